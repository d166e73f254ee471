import { z } from 'zod';
import * as agent from '#domain/agent.ts';
import * as alert from '#domain/alert.ts';
import * as approval from '#domain/approval.ts';
import * as audit from '#domain/audit.ts';
import * as calendarEntry from '#domain/calendar-entry.ts';
import * as cluster from '#domain/cluster.ts';
import * as environment from '#domain/environment.ts';
import * as event from '#domain/event.ts';
import * as freeze from '#domain/freeze.ts';
import * as gitHook from '#domain/git-hook.ts';
import * as group from '#domain/group.ts';
import * as hubSecret from '#domain/hub-secret.ts';
import * as hub from '#domain/hub.ts';
import * as incidentChange from '#domain/incident-change.ts';
import * as incidentEntry from '#domain/incident-entry.ts';
import * as incidentLink from '#domain/incident-link.ts';
import * as incident from '#domain/incident.ts';
import * as inventory from '#domain/inventory.ts';
import * as jobSignature from '#domain/job-signature.ts';
import * as job from '#domain/job.ts';
import * as log from '#domain/log.ts';
import * as metricRef from '#domain/metric-ref.ts';
import * as mail from '#domain/mail.ts';
import * as notification from '#domain/notification.ts';
import * as postmortem from '#domain/postmortem.ts';
import * as project from '#domain/project.ts';
import * as quietHours from '#domain/quiet-hours.ts';
import * as repo from '#domain/repo.ts';
import * as runCallback from '#domain/run-callback.ts';
import * as run from '#domain/run.ts';
import * as script from '#domain/script.ts';
import * as secondFactor from '#domain/second-factor.ts';
import * as signIn from '#domain/sign-in.ts';
import * as terraform from '#domain/terraform.ts';
import * as token from '#domain/token.ts';
import * as user from '#domain/user.ts';
import * as webhook from '#domain/webhook.ts';
import * as problem from '../problem-schema.ts';

const rooms: object[] = [
	agent,
	alert,
	approval,
	audit,
	calendarEntry,
	cluster,
	environment,
	event,
	freeze,
	gitHook,
	group,
	hubSecret,
	hub,
	incidentChange,
	incidentEntry,
	incidentLink,
	incident,
	inventory,
	job,
	jobSignature,
	log,
	metricRef,
	mail,
	notification,
	postmortem,
	project,
	quietHours,
	repo,
	runCallback,
	run,
	script,
	secondFactor,
	signIn,
	terraform,
	token,
	user,
	webhook,
	problem,
];

/** What the domain exports is a component of the document by that name; a schema that is not, is written out where it is used. */
export function nameSchemas(): void {
	for (const room of rooms)
		for (const [id, schema] of Object.entries(room))
			if (schema instanceof z.ZodType && !(schema instanceof z.ZodEnum) && !z.globalRegistry.has(schema))
				z.globalRegistry.add(schema, { id });
}
