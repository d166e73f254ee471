import { Hono } from 'hono';
import { z } from 'zod';
import { Agent, AgentPatch, EnrolAnswer, Enrolment, EnrolmentCreate, EnrolRequest } from '#domain/agent.ts';
import { pageOf } from '#domain/common.ts';
import { HostHistory } from '#domain/host.ts';
import { ifMatch, posted, row, settled } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { idIn, json, query } from '#worker/http/input.ts';
import { Confirmation, confirmAgent } from '#worker/services/agents/confirm.ts';
import { enrolAgent } from '#worker/services/agents/enrol.ts';
import { joinAgent } from '#worker/services/agents/join.ts';
import { AgentList, listAgents } from '#worker/services/agents/list.ts';
import { readAgent } from '#worker/services/agents/read.ts';
import { quarantineByHand } from '#worker/services/agents/quarantine.ts';
import { revokeAgent } from '#worker/services/agents/revoke.ts';
import { updateAgent } from '#worker/services/agents/update.ts';
import { HostHistoryQuery, readHostHistory } from '#worker/services/server_status/history.ts';
import { listServerStatus, ServerStatus, ServerStatusList } from '#worker/services/server_status/list.ts';

export const agents = new Hono<AppEnv>()
	.get(
		'/agents',
		describe('agent.list', 'The agents that serve a project you may see', { schema: pageOf(Agent) }),
		query(AgentList),
		async (c) => c.json(await listAgents(c.var.ctx, c.req.valid('query'))),
	)
	.post(
		'/agents/enrolments',
		describe('agent.enrol', 'Make a token that enrols one agent; it is shown this once', {
			status: 201,
			schema: Enrolment,
		}),
		json(EnrolmentCreate),
		// Without an Idempotency-Key's replay: keeping the answer would keep the token.
		async (c) => row(c, await settled(() => enrolAgent(c.var.ctx, c.req.valid('json'))), 201),
	)
	.post(
		'/agents/enrol',
		describe('agent.join', 'An agent uses its enrolment token and proves its key', {
			status: 201,
			schema: EnrolAnswer,
		}),
		json(EnrolRequest),
		async (c) => row(c, await settled(() => joinAgent(c.var.ctx, c.req.valid('json'))), 201),
	)
	.get('/agents/:id', describe('agent.read', 'One agent', { schema: Agent }), idIn('agent'), async (c) =>
		row(c, await readAgent(c.var.ctx, c.req.valid('param').id)),
	)
	.patch(
		'/agents/:id',
		describe('agent.update', 'Change an agent', { schema: Agent }),
		idIn('agent'),
		json(AgentPatch),
		async (c) =>
			row(c, await settled(() => updateAgent(c.var.ctx, c.req.valid('param').id, ifMatch(c), c.req.valid('json')))),
	)
	.post(
		'/agents/:id/confirm',
		describe('agent.confirm', 'Let an agent in, its fingerprint being the one its host shows', { schema: Agent }),
		idIn('agent'),
		json(Confirmation),
		(c) => posted(c, 200, (ctx) => confirmAgent(ctx, c.req.valid('param').id, c.req.valid('json'))),
	)
	.post(
		'/agents/:id/quarantine',
		describe('agent.quarantine', 'Shut an agent out until its fingerprint is compared again', { schema: Agent }),
		idIn('agent'),
		json(z.strictObject({})),
		(c) => posted(c, 200, (ctx) => quarantineByHand(ctx, c.req.valid('param').id)),
	)
	.post(
		'/agents/:id/revoke',
		describe('agent.revoke', 'Shut an agent out for good', { schema: Agent }),
		idIn('agent'),
		json(z.strictObject({})),
		(c) => posted(c, 200, (ctx) => revokeAgent(ctx, c.req.valid('param').id)),
	)
	.get(
		'/server-status',
		describe('server_status.list', "How the agents' hosts are; with agent_id, one host over time", {
			schema: pageOf(ServerStatus),
		}),
		query(ServerStatusList),
		async (c) => c.json(await listServerStatus(c.var.ctx, c.req.valid('query'))),
	)
	.get(
		'/server-status/history',
		describe('server_status.history', 'One host over time, as means of equal spans, for a chart', {
			schema: HostHistory,
		}),
		query(HostHistoryQuery),
		async (c) => c.json(await readHostHistory(c.var.ctx, c.req.valid('query'))),
	);
