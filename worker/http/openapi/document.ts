import type { Hono } from 'hono';
import { generateSpecs } from 'hono-openapi';
import type { AppEnv } from '../context.ts';
import { complete, refusalComponents, sessions } from './complete.ts';
import { nameSchemas } from './names.ts';
import type { Answer, Operation, Schemas } from './schema.ts';
import { tags } from './tags.ts';

const description = `Plan jobs together, run them on your own agents, watch them live.

- **Signing in**: \`POST /api/auth/login\` gives a session cookie. A change made with it must carry the hub's own address as its \`Origin\`.
  Programs send an API token instead: \`Authorization: Bearer uhub_…\`.
- **Lists** answer \`{items, next_cursor}\`; send \`cursor\` back for the next page.
- **Edits** need \`If-Match\` with the row's \`ETag\`. A row that changed meanwhile is a 412 with the row as it is.
- **Repeating a POST** with the same \`Idempotency-Key\` carries it out once.
- **Refusals** are problems (RFC 9457): \`code\` is for programs, \`detail\` for people, \`errors\` names fields.
- What you may not see is 404; what you may see and not do is 403.`;

export interface OpenApi {
	openapi: string;
	info: { title: string; version: string; description: string; license: { name: string; identifier: string } };
	servers: { url: string }[];
	security: Record<string, string[]>[];
	tags: { name: string; description: string }[];
	paths: Record<string, Record<string, Operation>>;
	components: {
		schemas: Schemas;
		responses: Record<string, Answer>;
		securitySchemes: Record<string, { type: string; description: string; scheme?: string; in?: string; name?: string }>;
	};
}

let made: Promise<OpenApi> | undefined;

/** The document, made at the first request for it. */
export const documentOf = (app: Hono<AppEnv>): Promise<OpenApi> => (made ??= make(app));

async function make(app: Hono<AppEnv>): Promise<OpenApi> {
	nameSchemas();
	const specs = await generateSpecs(app, {
		excludeStaticFile: false,
		exclude: /^\/live\//,
		defaultValidationErrorResponse: false,
	});
	// The library's types allow what this hub's routes never say: references instead of operations, callbacks, …
	const { paths, components } = JSON.parse(JSON.stringify(specs)) as Pick<OpenApi, 'paths' | 'components'>;
	const { schemas } = components;
	return {
		openapi: '3.1.0',
		info: { title: 'uHub', version: '1', description, license: { name: 'MIT', identifier: 'MIT' } },
		servers: [{ url: '/' }],
		security: [{ token: [] }, ...sessions],
		tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
		paths: Object.fromEntries(
			Object.entries(paths).map(([path, methods]) => [
				path,
				Object.fromEntries(
					Object.entries(methods).map(([method, route]) => [method, complete(method, path, route, schemas)]),
				),
			]),
		),
		components: {
			schemas,
			responses: refusalComponents,
			securitySchemes: {
				token: { type: 'http', scheme: 'bearer', description: 'An API token (uhub_…), with its scopes' },
				session: { type: 'apiKey', in: 'cookie', name: 'uhub_session', description: 'The session, on loopback' },
				session_over_https: {
					type: 'apiKey',
					in: 'cookie',
					name: '__Host-uhub_session',
					description: 'The session, over https',
				},
			},
		},
	};
}
