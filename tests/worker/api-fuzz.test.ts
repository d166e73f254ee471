import { Validator } from '@cfworker/json-schema';
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { OpenApi } from '#worker/http/openapi/document.ts';
import { TokenScope } from '#domain/token.ts';
import { hashOf } from '#worker/services/secrets.ts';
import { type Answer, type Call, insert, nobody, person, project } from './api-world.ts';

// Every operation of the document, asked with hostile and boundary values by people of every kind. `npm run fuzz -- SEED RUNS` asks more.

const SEED = Number(env.FUZZ_SEED ?? 20_261_124);
const RUNS = Number(env.FUZZ_RUNS ?? 12);

type Operation = OpenApi['paths'][string][string];

const hostile = fc.oneof(
	fc.constantFrom<unknown>(
		...[null, true, -1, 0, 1.5, 1e308, 2 ** 31, 2 ** 53, '', '\u0000', '\ud800', '\u202e', '\r\nx-evil: 1'],
		...["'; drop table users; --", '1 or 1=1', '__proto__', '../../etc/passwd', '<script>', '%s%n', '${7*7}'],
		...['javascript:alert(1)', 'http://169.254.169.254/', '-rf', '2026-02-30T25:61:61Z', '0000-01-01T00:00:00Z'],
		...['9999-12-31T23:59:59.999999999999999Z', [], {}, [[[[[[]]]]]], { __proto__: null, a: 1 }, 'x'.repeat(5000)],
	),
	fc.string({ unit: 'binary' }),
	fc.integer(),
	fc.double(),
	fc.jsonValue({ maxDepth: 3 }),
);

/** Objects of an answer have the keys they are said to have, and no others. */
function closed<T>(schema: T): T {
	if (Array.isArray(schema)) return schema.map((one: unknown) => closed(one)) as T;
	if (schema === null || typeof schema !== 'object') return schema;
	const inside = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed<unknown>(value)]));
	if (typeof inside.properties === 'object' && inside.type === 'object' && inside.additionalProperties === undefined)
		inside.additionalProperties = false;
	return inside as T;
}

/** What a refusal must leave as it was. Not the counts of attempts: those are of refusals. */
async function state(): Promise<unknown> {
	const { results } = await env.DB.prepare(
		`select m.name, exists (select 1 from pragma_table_info(m.name) c where c.name = 'version') versioned
		from sqlite_master m where m.type = 'table' and m.name not like '\\_%' escape '\\' and m.name not like 'sqlite%'
		and m.name not in ('login_attempts', 'd1_migrations')`,
	).all<{ name: string; versioned: number }>();
	const columns = results.map(
		({ name, versioned }) =>
			`(select count(*) ${versioned ? '|| ":" || coalesce(sum(version), 0)' : ''} from "${name}")`,
	);
	stateSql ??= `select ${columns.map((column, n) => `${column.replaceAll('":"', "':'")} as "${results[n]?.name ?? ''}"`).join(', ')}`;
	return env.DB.prepare(stateSql).first();
}
let stateSql: string | undefined;

/** Whoever may do more asks more often. */
const asked = [
	...(['admin', 'admin', 'admin', 'token', 'token'] as const),
	...(['owner', 'stranger', 'ops', 'ops', 'nobody'] as const),
] as const;

/** Somebody new for each operation: it may end the sessions, or the token, of whoever it is asked by. */
async function callers(owner: Call, group_id: number): Promise<Record<(typeof asked)[number], Call>> {
	const [admin, dev, ops] = await Promise.all([person('admin'), person('dev'), person('ops')]);
	const token = `uhub_${crypto.randomUUID()}`;
	const all = JSON.stringify(TokenScope.options);
	await insert('api_tokens', {
		...{ user_id: admin.id, name: 'fuzz', scopes: all, hash: await hashOf(token), expires_at: Date.now() + 3_600_000 },
	});
	await insert('group_users', { group_id, user_id: ops.id });
	return {
		...{ admin: admin.call, owner, stranger: dev.call, ops: ops.call, nobody },
		token: (method, path, { headers, ...options } = {}) =>
			nobody(method, path, { ...options, headers: { ...headers, authorization: `Bearer ${token}` } }),
	};
}

it(
	'25: every operation answers hostile input as its description says, and a refusal changes nothing',
	{ timeout: 1_800_000 },
	async () => {
		const { body: document } = (await nobody('GET', '/api/openapi.json')) as unknown as Answer<OpenApi> & {
			body: OpenApi;
		};
		const components = closed(document.components);
		const owner = await person('projets');
		const p = await project(owner);
		const operators = await insert('groups', { name: 'operators' });
		await insert('project_groups', { project_id: p, group_id: operators, access: 'operate' });
		const counts = new Map<number, number>();
		const served = new Set<string>();
		// Each operation has values of its own, and is asked by others first.
		let nth = 0;
		const found: string[] = [];

		const check = (operation: Operation, at: string, { status, body, headers }: Answer) => {
			counts.set(status, (counts.get(status) ?? 0) + 1);
			const told = `${at}: ${String(status)} ${JSON.stringify(body).slice(0, 600)}`;
			expect(status, told).toBeLessThan(500);
			const said = operation.responses[String(status)];
			expect(said, `undeclared status: ${told}`).toBeDefined();
			const answer = said?.$ref ? document.components.responses[said.$ref.split('/').pop() ?? ''] : said;
			const media = (headers.get('content-type') ?? '').split(';')[0] ?? '';
			if (!/[/+]json$/.test(media)) return;
			const schema = answer?.content?.[media]?.schema;
			expect(schema, `undeclared media: ${told}`).toBeDefined();
			const { valid, errors } = new Validator({ ...closed<object>(schema ?? {}), components }, '2020-12').validate(
				body,
			);
			expect(valid, `${told} ${JSON.stringify(errors.at(-1))}`).toBe(true);
		};

		for (const [path, methods] of Object.entries(document.paths))
			for (const [method, operation] of Object.entries(methods)) {
				const sent = operation.requestBody?.content['application/json'];
				const good = { ...(sent?.example as object | undefined) };
				const name = sent?.schema.$ref?.split('/').pop() ?? '';
				const schema = document.components.schemas[name] ?? sent?.schema ?? {};
				const fields = [schema, ...(schema.oneOf ?? [])].flatMap((one) => Object.keys(one.properties ?? {}));
				const queries = (operation.parameters ?? []).filter((one) => one.in === 'query' && one.name !== 'wait');
				const calls = await callers(owner.call, operators);
				let before = await state();
				const out = await fc.check(
					fc.asyncProperty(
						fc.constantFrom(...asked),
						fc.constantFrom('1', '1', String(p), '999999', '2147483648', '0', '-1', '%00', '1%27', 'x'),
						fc.dictionary(fc.constantFrom('zz', 'version', 'role', ...fields), hostile, { maxKeys: 2 }),
						fc.constantFrom('object', 'object', 'object', 'twice', 'array', 'null', 'text'),
						fc.dictionary(
							fc.constantFrom('zz', ...queries.map((one) => one.name)),
							fc.oneof(
								fc.constantFrom('1', '-1', '1e9', 'true', '2026-11-24', "'"),
								fc.string({ unit: 'binary', maxLength: 80 }),
							),
							{ maxKeys: 3 },
						),
						fc.constantFrom('"v1"', '"v1"', '"v9"', 'v1', '*', ''),
						async (by, id, wrong, form, query, version) => {
							const text = JSON.stringify({ ...good, ...wrong });
							const raw = {
								object: text,
								twice: text.replace('{', '{"title":1,"title":2,'),
								array: `[${text}]`,
								null: 'null',
								text: '"x"',
							};
							const address = `${path.replaceAll(/\{\w+\}/g, id)}?${new URLSearchParams(query).toString()}`;
							const answer = await calls[by](method.toUpperCase(), address, {
								...(sent && { raw: raw[form as keyof typeof raw] }),
								headers: {
									...(version && { 'if-match': version }),
									...(sent && { 'content-type': 'application/json' }),
								},
							});
							if (answer.status < 300) served.add(by);
							check(
								operation,
								`${method} ${address} ${sent ? raw[form as keyof typeof raw].slice(0, 400) : ''}`,
								answer,
							);
							const after = await state();
							if (answer.status >= 400)
								expect(JSON.stringify(after), `changed: ${method} ${address} ${String(answer.status)}`).toBe(
									JSON.stringify(before),
								);
							before = after;
						},
					),
					{ numRuns: RUNS, seed: SEED + nth++, endOnFailure: true },
				);
				if (out.failed)
					found.push(`${method} ${path}: ${String((out.errorInstance as Error | null)?.message ?? '').slice(0, 900)}`);
			}
		expect(found).toEqual([]);
		expect(counts.get(400)).toBeGreaterThan(200);
		expect(counts.get(200)).toBeGreaterThan(50);
		expect([...served].sort()).toEqual([...new Set<string>(asked)].sort());
	},
);
