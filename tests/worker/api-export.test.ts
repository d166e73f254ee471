import { env } from 'cloudflare:workers';
import { getTableName } from 'drizzle-orm';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { ArchiveHeader, archiveLine, ArchiveLine } from '#domain/archive.ts';
import { seedDemo } from '#worker/seed/index.ts';
import { KINDS, NOT_ARCHIVED } from '#worker/services/archive/kinds.ts';
import { caller, type Call, nobody } from './api-world.ts';

let admin: Call;
const PASSWORD = 'a password of this demo';

beforeAll(async () => {
	await seedDemo(env, { password: PASSWORD });
	const { headers } = await nobody('POST', '/api/auth/login', { body: { username: 'admin', password: PASSWORD } });
	admin = caller(headers.get('set-cookie')?.split(';')[0] ?? '');
});

async function archive(query = '') {
	const { status, headers, body } = await admin('GET', `/api/export${query}`);
	expect(status).toBe(200);
	const text = String(body.text);
	expect(text.endsWith('\n')).toBe(true);
	const [first = '', ...rest] = text.slice(0, -1).split('\n');
	const header = ArchiveHeader.parse(JSON.parse(first));
	const lines = rest.map((line) => ArchiveLine.parse(JSON.parse(line)));
	return { headers, header, text, lines };
}

const joined = (lines: ArchiveLine[], of: (row: ArchiveLine['row']) => boolean) =>
	lines
		.filter(({ row }) => of(row))
		.map(({ row }) => atob(String(row.data)))
		.join('');

describe('the archive', () => {
	it('holds every row of every table that is not left out by name', async () => {
		// What a search of jobs reads is made from the jobs themselves, at a restore too.
		const { results } = await env.DB.prepare(
			"select name from sqlite_master where type = 'table' and name not like 'sqlite_%' and name not like '%d1_%' and name not like '_cf_%' and name not like 'local_marks' and name not like 'jobs_text%' and name not like 'audit_text%'",
		).all<{ name: string }>();
		expect(results.map(({ name }) => name).sort()).toEqual(
			[...KINDS.map(({ table }) => getTableName(table)), ...NOT_ARCHIVED].sort(),
		);
		const before = await Promise.all(
			KINDS.map(({ table, only }) => {
				const of = { webhooks: 'user_id is null', identities: "provider <> 'credential'" }[getTableName(table)];
				expect(of === undefined).toBe(only === undefined);
				return env.DB.prepare(`select count(*) as n from ${getTableName(table)} where ${of ?? 1}`).first<number>('n');
			}),
		);
		const { header, lines, headers } = await archive();
		expect(header.includes).toEqual({ logs: false, documents: false });
		expect(headers.get('content-disposition')).toMatch(/^attachment; filename="uhub-\d{4}-\d\d-\d\d\.jsonl"/);
		expect(KINDS.map(({ kind }) => lines.filter((line) => line.kind === kind).length)).toEqual(before);
		expect(lines.at(-1)).toEqual({ kind: 'End', row: { lines: lines.length - 1 } });
	});

	it('names a row only after it was told, so that it can be read in one go', async () => {
		const { lines } = await archive();
		const tables = new Map<string, string>(KINDS.map(({ kind, table }) => [kind, getTableName(table)]));
		const seen = new Map<string, Set<unknown>>();
		const keys = new Map<string, { table: string; from: string }[]>();
		for (const table of tables.values()) {
			const { results } = await env.DB.prepare(`pragma foreign_key_list(${table})`).all<{
				table: string;
				from: string;
			}>();
			keys.set(table, results);
			seen.set(table, new Set());
		}
		for (const { kind, row } of lines.slice(0, -1)) {
			const table = tables.get(kind) ?? '';
			for (const key of keys.get(table) ?? [])
				if (typeof row[key.from] === 'number')
					expect(seen.get(key.table)?.has(row[key.from]), `${kind}.${key.from}`).toBe(true);
			seen.get(table)?.add(row.id);
		}
	});

	it('holds no secret: no hash of a password, no token, no key of an agent', async () => {
		const { text } = await archive('?logs=true&documents=true');
		const kept = ['identities.password_hash', 'sessions.token_hash', 'api_tokens.hash', 'second_factors.secret'];
		kept.push('webhooks.secret', 'alert_sources.key_hash');
		const secrets: string[] = [];
		for (const name of [...kept, 'enrolments.token_hash', 'agents.public_key']) {
			const [table, column] = name.split('.');
			const rows = await env.DB.prepare(`select ${column ?? ''} as it from ${table ?? ''}`).all<{ it: string }>();
			secrets.push(...rows.results.map(({ it }) => it));
		}
		expect(secrets.length).toBeGreaterThan(4);
		for (const secret of secrets) expect(text).not.toContain(secret);
		expect(text).not.toContain(PASSWORD);
	});

	it('brings logs and documents when asked', async () => {
		const { lines } = await archive('?logs=true&documents=true');
		const run = await env.DB.prepare('select id from runs where log_bytes > 0 order by id').first<number>('id');
		const { body } = await admin('GET', `/api/runs/${String(run)}/log`);
		const frames = lines.flatMap(({ kind, row }) =>
			kind === 'RunLog' && row.run_id === run ? (row.frames as { text: string }[]) : [],
		);
		expect(frames.map(({ text }) => text).join('')).toBe(body.text);
		expect(frames[0]).toMatchObject({ stream: 'stdout', t_ms: expect.any(Number) as number });
		for (const [kind, table, key] of [
			['ScriptRef', 'script_refs', 'location'],
			['TerraformPlan', 'terraform_plans', 'raw_plan_path'],
		]) {
			const row = await env.DB.prepare(
				`select id, ${key ?? ''} as key from ${table ?? ''} where ${key ?? ''} is not null order by id`,
			).first<{ id: number; key: string }>();
			const stored = new Uint8Array((await (await env.STORE.get(row?.key ?? ''))?.arrayBuffer()) ?? []);
			const told = joined(
				lines.filter((line) => line.kind === 'Document'),
				(it) => it.of === kind && it.id === row?.id,
			);
			expect(told).toHaveLength(stored.length);
			expect(stored.length).toBeGreaterThan(0);
		}
		expect(lines.some(({ kind, row }) => kind === 'Document' && row.of === 'Inventory')).toBe(true);
	});

	it('is audited before it leaves, with what was asked for', async () => {
		await archive('?logs=true');
		const { body } = await admin('GET', '/api/audit?action=hub.export&limit=1');
		expect(body.items).toMatchObject([
			{ action: 'hub.export', actor_kind: 'user', metadata: { logs: true, documents: false } },
		]);
	});

	it('is the same twice but for the time, the audit and who signed in', async () => {
		const same = (lines: ArchiveLine[]) => lines.filter(({ kind }) => !['AuditLog', 'AuditSeal', 'End'].includes(kind));
		expect(same((await archive()).lines)).toEqual(same((await archive()).lines));
	});

	it('refuses an unknown choice', async () => {
		for (const query of ['?logs=maybe', '?everything=true'])
			expect((await admin('GET', `/api/export${query}`)).status).toBe(400);
	});
});

describe('a line', () => {
	it('is one line, whatever is in the row, and read back as it was', () => {
		fc.assert(
			fc.property(fc.string(), fc.dictionary(fc.string(), fc.jsonValue()), (kind, row) => {
				const line = archiveLine({ kind, row });
				expect(line.indexOf('\n')).toBe(line.length - 1);
				expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify({ kind, row })));
			}),
		);
	});
});
