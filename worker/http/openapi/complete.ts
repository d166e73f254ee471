import { scopeOf } from '#domain/permissions.ts';
import { bodies } from './bodies.ts';
import { actionOf, rightsOf } from './rights.ts';
import { sample } from './sample.ts';
import { type Answer, followed, type Operation, type Parameter, type Schemas } from './schema.ts';

// What every operation has in common, added to what its route says of itself: rights, headers, refusals, examples.

/** Asked by who is not signed in. */
const open = new Set([
	'hub.openapi',
	'hub.docs',
	'hub.health',
	'feed.calendar',
	'feed.incidents',
	'hub.setup_state',
	'hub.setup',
	'hub.sign_in_methods',
	'hub.import_start',
	'hub.import_read',
	'hub.import_lines',
	'hub.import',
	'session.create',
	'session.confirm',
	'session.oidc_start',
	'session.oidc_callback',
	'agent.join',
	'change.receive',
	'alert_source.receive',
	'run.report',
]);

/** The session's cookie, by either of its names. */
export const sessions: Record<string, string[]>[] = [{ session: [] }, { session_over_https: [] }];

/** Deletes of what has no version. */
const unversioned = new Set([
	'group_user.delete',
	'project_group.delete',
	'session.end',
	'session.end_others',
	'me.feed_revoke',
	// Set whole and never read: nobody could have seen another version.
	'hub_secret.delete',
	'job.unsign',
]);

/** Looks that can come at a wrong moment: a job that could not run, an import into a hub with people. */
const untimely = new Set(['job.template', 'hub.import_read']);

/** POSTs whose answer is not kept for an Idempotency-Key: it holds a secret, is about a session, or changes nothing. */
const unkept = new Set([
	...open,
	'session.delete',
	'agent.enrol',
	'token.create',
	'webhook.create',
	'webhook.rotate',
	'alert_source.create',
	'alert_source.rotate',
	'alert_source.preview',
	'user.create',
	'user.password',
	'me.password',
	'me.feed_renew',
	'me.notification_test',
	'me.webhook',
	'me.email_check',
	'me.email_confirm',
	'second_factor.start',
	'second_factor.confirm',
	'second_factor.renew',
	'second_factor.disable',
	'second_factor.reset',
]);

/** Open to all, and refused for what is sent with them. */
const proving = new Set(['session.create', 'session.confirm', 'agent.join', 'change.receive', 'alert_source.receive']);

/** Where guessing is slowed down. */
const counted = new Set([
	'session.create',
	'session.confirm',
	'agent.join',
	'run.report',
	'hub.import_start',
	'change.receive',
	'alert_source.receive',
	'me.password',
	'me.notification_test',
	'me.email_check',
	'second_factor.start',
	'second_factor.confirm',
	'second_factor.renew',
	'second_factor.disable',
]);

/** Bodies that are taken as they come. With an example: JSON of somebody else's making. */
const raw: Readonly<Record<string, { media: string; description: string; example?: object }>> = {
	'script.update_content': { media: 'application/octet-stream', description: 'At most 16 MiB' },
	'hub.import_lines': { media: 'application/x-ndjson', description: 'Whole lines, at most 8 MiB' },
	'change.receive': {
		media: 'application/json',
		description: 'The provider’s own payload, to the byte as it signed it; at most 5 MiB',
		example: {
			ref: 'refs/heads/main',
			commits: [{ id: '4f2a9c1', message: 'Faster basket', author: { name: 'Omar' } }],
		},
	},
	'alert_source.receive': {
		media: 'application/json',
		description: 'What the source sends; at most 1 MiB',
		example: { title: 'Checkout answers 502', status: 'firing', key: 'checkout-502', severity: 'critical' },
	},
};

const refusals = {
	400: 'The request is not valid; `errors` names the fields',
	401: 'Not signed in',
	403: 'Not allowed; `detail` names the missing right. Also a change with a session that does not name the hub as its Origin',
	404: 'Not there, or not to be seen',
	409: 'The present state forbids it',
	412: 'The row has changed since that version: `current` is the row, `changed` says who changed what',
	413: 'Too large',
	415: 'Not JSON',
	422: 'This Idempotency-Key was used for another request',
	428: 'If-Match is needed',
	429: 'Too many attempts; Retry-After says when to come back',
	default: 'A fault in the hub (500), or a part of it that is away (503)',
} as const;
type Refusal = keyof typeof refusals;

const problemOf = (description: string): Answer => ({
	description,
	content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});

export const refusalComponents: Record<string, Answer> = Object.fromEntries(
	Object.entries(refusals).map(([status, description]) => [nameOf(status), problemOf(description)]),
);

function nameOf(status: string): string {
	return status === 'default' ? 'Fault' : `Refused${status}`;
}

const IF_MATCH: Parameter = {
	in: 'header',
	name: 'If-Match',
	required: true,
	description: 'The version that was read: the ETag of the row',
	schema: { type: 'string', pattern: '^(W/)?"v[1-9][0-9]{0,9}"$' },
	example: '"v1"',
};
const IDEMPOTENCY_KEY: Parameter = {
	in: 'header',
	name: 'Idempotency-Key',
	description: 'The same request with the same key is carried out once, and answered the same for a day',
	schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,200}$' },
};
const RANGE: Parameter = {
	in: 'header',
	name: 'Range',
	description: 'One range of bytes, as bytes=0-1023',
	schema: { type: 'string' },
};

/** The route's own description, made whole. `schemas` is the components'. */
export function complete(method: string, path: string, route: Operation, schemas: Schemas): Operation {
	const id = route.operationId;
	const body = bodyOf(route, schemas);
	const isOpen = open.has(id);
	const versioned = (method === 'patch' || method === 'delete') && !unversioned.has(id);
	const kept = method === 'post' && !unkept.has(id);
	const writes = method !== 'get';

	const parameters = (route.parameters ?? []).map(spoken);
	if (versioned) parameters.push(IF_MATCH);
	if (id === 'script.update_content') parameters.push({ ...IF_MATCH, required: false });
	if (kept) parameters.push(IDEMPOTENCY_KEY);
	if (id === 'run.read_log') parameters.push(RANGE);

	const also: Refusal[] = [
		400,
		...((isOpen && !proving.has(id) ? [] : [401, 403]) as Refusal[]),
		...((isOpen && writes ? [403] : []) as Refusal[]),
		...((path.includes('{') || parameters.some(({ in: where }) => where === 'query') || id.includes('oidc') || writes
			? [404]
			: []) as Refusal[]),
		...((writes || untimely.has(id) ? [409] : []) as Refusal[]),
		...((versioned ? [412, 428] : []) as Refusal[]),
		...((id === 'script.update_content' ? [412] : []) as Refusal[]),
		...((body ? [413, 415] : []) as Refusal[]),
		...((kept ? [422] : []) as Refusal[]),
		...((counted.has(id) ? [429] : []) as Refusal[]),
		'default',
	];
	const action = actionOf(id);
	const rights = isOpen ? 'Nobody need be signed in.' : action && rightsOf(id, action);
	return {
		...route,
		...(rights !== null && { description: rights }),
		...(isOpen ? { security: [] } : action && scopeOf(action) === null && { security: sessions }),
		...(parameters.length > 0 && { parameters }),
		...(body && { requestBody: body }),
		responses: {
			...answers(route, schemas),
			...(id === 'run.read_log' && partial(route)),
			...Object.fromEntries(
				also.map((status) => [String(status), { $ref: `#/components/responses/${nameOf(String(status))}` }]),
			),
		},
	};
}

/** An id in an address travels as text and is a number. */
function spoken(parameter: Parameter): Parameter {
	if (parameter.in !== 'path' || !parameter.schema.pattern?.startsWith('^[1-9]')) return parameter;
	return { ...parameter, schema: { type: 'integer', minimum: 1, maximum: 2_147_483_647 }, example: 7 };
}

function bodyOf(route: Operation, schemas: Schemas): Operation['requestBody'] {
	const bytes = raw[route.operationId];
	if (bytes)
		return {
			required: true,
			content: {
				[bytes.media]: bytes.example
					? { schema: { type: 'object', description: bytes.description }, example: bytes.example }
					: { schema: { type: 'string', format: 'binary', description: bytes.description } },
			},
		};
	const sent = route.requestBody?.content['application/json'];
	if (!sent) return undefined;
	const schema = followed(sent.schema, schemas);
	const required = (schema.required ?? []).length > 0 || schema.oneOf !== undefined || schema.anyOf !== undefined;
	return {
		required,
		content: { 'application/json': { schema: sent.schema, example: bodies[route.operationId] ?? {} } },
	};
}

function answers(route: Operation, schemas: Schemas): Record<string, Answer> {
	return Object.fromEntries(
		Object.entries(route.responses)
			.filter(([status]) => status !== 'default')
			.map(([status, answer]) => {
				const json = answer.content?.['application/json'];
				if (!json) return [status, answer];
				const versioned = followed(json.schema, schemas).properties?.version !== undefined;
				return [
					status,
					{
						...answer,
						...(versioned && {
							headers: { ETag: { description: 'The version, for If-Match', schema: { type: 'string' } } },
						}),
						content: { ...answer.content, 'application/json': { ...json, example: sample(json.schema, schemas) } },
					},
				];
			}),
	);
}

/** The answers to a Range. */
function partial(route: Operation): Record<string, Answer> {
	const { content } = route.responses['200'] ?? {};
	return {
		206: { description: 'The range; Content-Range says which', ...(content && { content }) },
		416: { description: 'The log is shorter than where the range begins' },
	};
}
