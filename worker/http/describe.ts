import { describeRoute, resolver } from 'hono-openapi';
import type { z } from 'zod';
import type { Action } from '#domain/permissions.ts';
import { Problem } from './problem-schema.ts';

interface Answer {
	status?: 200 | 201 | 202 | 204 | 302;
	/** The answer's JSON; none for an empty answer. */
	schema?: z.ZodType;
	/** What is answered instead of JSON, or beside it. */
	media?: string | string[];
}

/** Names a route in the OpenAPI document. The operation's id is the action, which is also the permission and the audit action. */
export function describe(
	action: Action | (string & {}),
	summary: string,
	{ status = 200, schema, media }: Answer = {},
) {
	const content = {
		...Object.fromEntries(
			[media ?? []].flat().map((type) => [type, { schema: { type: 'string' as const, format: 'binary' } }]),
		),
		...(schema && { 'application/json': { schema: resolver(schema) } }),
	};
	return describeRoute({
		operationId: action,
		tags: [action.split('.')[0] ?? action],
		summary,
		responses: {
			[status]: {
				description: status === 204 ? 'Done' : status === 302 ? 'To go there' : 'The answer',
				...(Object.keys(content).length > 0 && { content }),
			},
			default: {
				description: 'What went wrong, as a problem (RFC 9457)',
				content: { 'application/problem+json': { schema: resolver(Problem) } },
			},
		},
	});
}
