import { env, exports } from 'cloudflare:workers';
import type { Access } from '#domain/access.ts';
import type { Role } from '#domain/user.ts';
import { connect } from '#worker/db/client.ts';
import type { Ctx } from '#worker/services/context.ts';
import { hashOf } from '#worker/services/secrets.ts';
import { storeOf } from '#worker/store.ts';

// People and projects written straight into D1, and a caller for each person: what the tests of the API start from.

export const ORIGIN = 'http://hub.test';

export interface Answer<B = Record<string, unknown>> {
	status: number;
	headers: Headers;
	body: B;
}

export interface Options {
	body?: unknown;
	headers?: Record<string, string>;
	/** Sent as it is, instead of `body`. */
	raw?: BodyInit;
}

export type Call = (method: string, path: string, options?: Options) => Promise<Answer>;

export interface Caller {
	id: number;
	cookie: string;
	call: Call;
	/** As `call`, but anything but a 2xx throws. */
	ok: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer['body']>;
}

/** A request as a program makes it, with this cookie or none. */
export const caller =
	(cookie: string | null, origin = ORIGIN): Call =>
	async (method, path, { body, headers = {}, raw } = {}) => {
		const response = await exports.default.fetch(`${origin}${path}`, {
			method,
			redirect: 'manual',
			headers: {
				...(cookie !== null && { cookie, origin }),
				...(body !== undefined && { 'content-type': 'application/json' }),
				...headers,
			},
			...(body !== undefined && { body: JSON.stringify(body) }),
			...(raw !== undefined && { body: raw }),
		});
		const text = await response.text();
		const json = /[/+]json\b/.test(response.headers.get('content-type') ?? '') && text !== '';
		return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : { text } };
	};

export const nobody = caller(null);

let named = 0;
/** A name no other test of this file has. */
export const fresh = (prefix: string): string => `${prefix}${String(++named)}`;

export const insert = async (table: string, row: Record<string, unknown>): Promise<number> => {
	const now = Date.now();
	const all = { ...row, created_at: now, updated_at: now };
	const names = Object.keys(all);
	const { meta } = await env.DB.prepare(
		`insert into ${table} (${names.join(', ')}) values (${names.map(() => '?').join(', ')})`,
	)
		.bind(...Object.values(all))
		.run();
	return meta.last_row_id;
};

/** A person with a session. */
export async function person(role: Role, fields: Record<string, unknown> = {}): Promise<Caller> {
	const id = await insert('users', { username: fresh(role), role, ...fields });
	const cookie = await session(id);
	const call = caller(cookie);
	return {
		id,
		cookie,
		call,
		ok: async (method, path, body, headers) => {
			const answer = await call(method, path, { body, ...(headers && { headers }) });
			if (answer.status >= 300)
				throw new Error(`${method} ${path}: ${String(answer.status)} ${JSON.stringify(answer.body)}`);
			return answer.body;
		},
	};
}

/** A new session of a person, as a cookie. */
export async function session(user_id: number, expires_at = Date.now() + 3_600_000): Promise<string> {
	const token = crypto.randomUUID();
	await insert('sessions', { token_hash: await hashOf(token), user_id, expires_at });
	return `uhub_session=${token}`;
}

/** A project, and what each of these people may do in it. */
export async function project(owner: Caller, members: [Caller, Access][] = []): Promise<number> {
	const id = await insert('projects', { name: fresh('project '), color: '#336699', owner_id: owner.id });
	for (const [member, access] of members) {
		const group_id = await insert('groups', { name: fresh('group ') });
		await insert('group_users', { group_id, user_id: member.id });
		await insert('project_groups', { project_id: id, group_id, access });
	}
	return id;
}

export const idOf = (row: Answer['body']): number => row.id as number;

/** The services' world without HTTP, for what HTTP cannot reach: the clock, the hashing, the live side. */
export function ctxFor(credential: Ctx['credential'], overrides: Partial<Ctx> = {}): Ctx {
	const silent = () => Promise.resolve();
	return {
		db: connect(env.DB),
		credential,
		live: {
			changed: silent,
			touched: silent,
			queued: silent,
			look: silent,
			decided: silent,
			cancel: silent,
			agentChanged: silent,
			rightsChanged: silent,
		},
		store: storeOf(env),
		witness: { recall: () => Promise.resolve({ link: null, rewinds: [] }), sealed: silent, rewound: silent },
		networks: [],
		url: ORIGIN,
		now: Date.now,
		request_id: 'test',
		ip: '192.0.2.1',
		idempotency: null,
		mail: () => ({ way: null, problems: [] }),
		deliver: silent,
		after: () => undefined,
		...overrides,
	};
}
