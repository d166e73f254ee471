import { Hono } from 'hono';
import { pageOf } from '#domain/common.ts';
import { IncidentChange } from '#domain/incident-change.ts';
import { EntryCreate, EntryPatch, IncidentEntry } from '#domain/incident-entry.ts';
import { IncidentLinkView, LinkCreate, LinkPatch } from '#domain/incident-link.ts';
import {
	HandOver,
	IncidentCreate,
	IncidentDetail,
	IncidentPatch,
	IncidentView,
	ReopenReason,
	StepNote,
} from '#domain/incident.ts';
import { ifMatch, posted, row, settled } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { idIn, IdInPath, idsIn, json, query } from '#worker/http/input.ts';
import { createEntry } from '#worker/services/incident_entries/create.ts';
import { EntryList, listEntries } from '#worker/services/incident_entries/list.ts';
import { updateEntry } from '#worker/services/incident_entries/update.ts';
import { createLink } from '#worker/services/incident_links/create.ts';
import { deleteLink } from '#worker/services/incident_links/delete.ts';
import { LinkList, listLinks } from '#worker/services/incident_links/list.ts';
import { updateLink } from '#worker/services/incident_links/update.ts';
import { ChangesQuery, listChanges } from '#worker/services/incidents/changes.ts';
import { createIncident } from '#worker/services/incidents/create.ts';
import { deleteIncident } from '#worker/services/incidents/delete.ts';
import { handOver } from '#worker/services/incidents/hand-over.ts';
import { IncidentList, IncidentListInProject, listIncidents } from '#worker/services/incidents/list.ts';
import { readIncident } from '#worker/services/incidents/read.ts';
import { stepIncident } from '#worker/services/incidents/step.ts';
import { updateIncident } from '#worker/services/incidents/update.ts';

const entryIn = idsIn('entry', { id: IdInPath, entry: IdInPath });
const linkIn = idsIn('link', { id: IdInPath, link: IdInPath });
const stepped = { schema: IncidentView };

export const incidents = new Hono<AppEnv>()
	.get(
		'/incidents',
		describe('incident.list', 'The incidents of every project you may see', { schema: pageOf(IncidentView) }),
		query(IncidentList),
		async (c) => c.json(await listIncidents(c.var.ctx, c.req.valid('query'))),
	)
	.get(
		'/projects/:id/incidents',
		describe('incident.list_in_project', "A project's incidents", { schema: pageOf(IncidentView) }),
		idIn('project'),
		query(IncidentListInProject),
		async (c) =>
			c.json(await listIncidents(c.var.ctx, { ...c.req.valid('query'), project_id: c.req.valid('param').id })),
	)
	.post(
		'/projects/:id/incidents',
		describe('incident.create', 'Open an incident', { status: 201, schema: IncidentView }),
		idIn('project'),
		json(IncidentCreate),
		(c) => posted(c, 201, (ctx) => createIncident(ctx, c.req.valid('param').id, c.req.valid('json'))),
	)
	.get(
		'/incidents/:id',
		describe('incident.read', 'One incident', { schema: IncidentDetail }),
		idIn('incident'),
		async (c) => row(c, await readIncident(c.var.ctx, c.req.valid('param').id)),
	)
	.patch(
		'/incidents/:id',
		describe('incident.update', 'Change what an incident says of itself; its severity needs a right of its own', {
			schema: IncidentView,
		}),
		idIn('incident'),
		json(IncidentPatch),
		async (c) =>
			row(c, await settled(() => updateIncident(c.var.ctx, c.req.valid('param').id, ifMatch(c), c.req.valid('json')))),
	)
	.delete(
		'/incidents/:id',
		describe('incident.delete', 'Remove an incident opened by mistake, of which nothing was said or linked', {
			status: 204,
		}),
		idIn('incident'),
		async (c) => {
			await settled(() => deleteIncident(c.var.ctx, c.req.valid('param').id, ifMatch(c)));
			return c.body(null, 204);
		},
	)
	.post(
		'/incidents/:id/acknowledge',
		describe('incident.acknowledge', 'Somebody looks at it', stepped),
		idIn('incident'),
		json(StepNote),
		(c) => posted(c, 200, (ctx) => stepIncident(ctx, c.req.valid('param').id, 'acknowledge', c.req.valid('json').note)),
	)
	.post(
		'/incidents/:id/mitigate',
		describe('incident.mitigate', 'It no longer hurts', stepped),
		idIn('incident'),
		json(StepNote),
		(c) => posted(c, 200, (ctx) => stepIncident(ctx, c.req.valid('param').id, 'mitigate', c.req.valid('json').note)),
	)
	.post(
		'/incidents/:id/resolve',
		describe('incident.resolve', 'Its cause is gone', stepped),
		idIn('incident'),
		json(StepNote),
		(c) => posted(c, 200, (ctx) => stepIncident(ctx, c.req.valid('param').id, 'resolve', c.req.valid('json').note)),
	)
	.post(
		'/incidents/:id/close',
		describe('incident.close', 'Nothing is left to do', stepped),
		idIn('incident'),
		json(StepNote),
		(c) => posted(c, 200, (ctx) => stepIncident(ctx, c.req.valid('param').id, 'close', c.req.valid('json').note)),
	)
	.post(
		'/incidents/:id/reopen',
		describe('incident.reopen', 'It is back: say why', stepped),
		idIn('incident'),
		json(ReopenReason),
		(c) => posted(c, 200, (ctx) => stepIncident(ctx, c.req.valid('param').id, 'reopen', c.req.valid('json').reason)),
	)
	.post(
		'/incidents/:id/roles',
		describe('incident.hand_over', 'Give a role to somebody, or to nobody', stepped),
		idIn('incident'),
		json(HandOver),
		(c) => posted(c, 200, (ctx) => handOver(ctx, c.req.valid('param').id, c.req.valid('json'))),
	)
	.get(
		'/incidents/:id/changes',
		describe('incident.list_changes', 'What changed in the hours before it was detected, likeliest first', {
			schema: pageOf(IncidentChange),
		}),
		idIn('incident'),
		query(ChangesQuery),
		async (c) => c.json(await listChanges(c.var.ctx, c.req.valid('param').id, c.req.valid('query'))),
	)
	.get(
		'/incidents/:id/entries',
		describe('incident_entry.list', 'Its timeline', { schema: pageOf(IncidentEntry) }),
		idIn('incident'),
		query(EntryList),
		async (c) => c.json(await listEntries(c.var.ctx, c.req.valid('param').id, c.req.valid('query'))),
	)
	.post(
		'/incidents/:id/entries',
		describe('incident_entry.create', 'Add a message or a note', { status: 201, schema: IncidentEntry }),
		idIn('incident'),
		json(EntryCreate),
		(c) => posted(c, 201, (ctx) => createEntry(ctx, c.req.valid('param').id, c.req.valid('json'))),
	)
	.patch(
		'/incidents/:id/entries/:entry',
		describe('incident_entry.update', 'Pin or hide an entry, or reword your own', { schema: IncidentEntry }),
		entryIn,
		json(EntryPatch),
		async (c) => {
			const { id, entry } = c.req.valid('param');
			return row(c, await settled(() => updateEntry(c.var.ctx, id, entry, ifMatch(c), c.req.valid('json'))));
		},
	)
	.get(
		'/incidents/:id/links',
		describe('incident_link.list', 'The jobs, runs and events it is linked to', { schema: pageOf(IncidentLinkView) }),
		idIn('incident'),
		query(LinkList),
		async (c) => c.json(await listLinks(c.var.ctx, c.req.valid('param').id, c.req.valid('query'))),
	)
	.post(
		'/incidents/:id/links',
		describe('incident_link.create', 'Link it with a job, a run or an event of its project', {
			status: 201,
			schema: IncidentLinkView,
		}),
		idIn('incident'),
		json(LinkCreate),
		(c) => posted(c, 201, (ctx) => createLink(ctx, c.req.valid('param').id, c.req.valid('json'))),
	)
	.patch(
		'/incidents/:id/links/:link',
		describe('incident_link.update', 'Say otherwise what a job has to do with it', { schema: IncidentLinkView }),
		linkIn,
		json(LinkPatch),
		async (c) => {
			const { id, link } = c.req.valid('param');
			return row(c, await settled(() => updateLink(c.var.ctx, id, link, ifMatch(c), c.req.valid('json'))));
		},
	)
	.delete(
		'/incidents/:id/links/:link',
		describe('incident_link.delete', 'Take a link away', { status: 204 }),
		linkIn,
		async (c) => {
			const { id, link } = c.req.valid('param');
			await settled(() => deleteLink(c.var.ctx, id, link, ifMatch(c)));
			return c.body(null, 204);
		},
	);
