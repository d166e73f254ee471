import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { audit_logs, connect } from '#worker/db/client.ts';
import { witnessOf } from '#worker/live.ts';
import { GENESIS, sealAudit, sealHash } from '#worker/services/audit/seal.ts';
import { type Caller, ctxFor, fresh, person } from './api-world.ts';

// Somebody who can write to the database, takes the triggers away, and has the hub seal what they wrote, or seals it themselves.

let admin: Caller;
const seal = () => sealAudit(ctxFor({ kind: 'actor', actor: { kind: 'system' } }, { witness: witnessOf(env) }));
const verify = () => admin.ok('GET', '/api/audit/verify');
const add = async (n: number) => {
	for (let i = 0; i < n; i++) await admin.ok('POST', '/api/projects', { name: fresh('p') });
};
const ids = async () =>
	(await env.DB.prepare('select id from audit_logs order by id').all<{ id: number }>()).results.map(({ id }) => id);

beforeAll(async () => {
	admin = await person('admin');
	for (const table of ['audit_logs', 'audit_seals'])
		for (const what of ['update', 'delete']) await env.DB.exec(`drop trigger if exists ${table}_no_${what}`);
	await add(8);
	await seal();
});

describe('the witness of the chain', () => {
	it('says nothing of a chain that only grew, however often it is sealed', async () => {
		await add(2);
		await seal();
		await seal();
		expect(await verify()).toMatchObject({ faults: [], tail: 0 });
	});

	it('tells of rows that lost their seals, and for ever after of a chain that the hub sealed over them', async () => {
		const all = await ids();
		const [from = 0, to = 0] = [all.at(-4), all.at(-1)];
		await env.DB.exec(`update audit_logs set metadata = '{}' where id = ${String(from)}`);
		await env.DB.exec(`delete from audit_seals where audit_id >= ${String(from)}`);
		const rewound = [{ kind: 'rewound', id: from, to_id: to }];
		expect((await verify()).faults).toEqual(rewound);
		await seal();
		expect(await verify()).toMatchObject({ faults: rewound, tail: 0 });
		await add(1);
		await seal();
		expect((await verify()).faults).toEqual(rewound);
	});

	it('tells of a chain that was written anew with good hashes, and of an end that was cut off without a trace', async () => {
		const before = (await verify()).faults as unknown[];
		const last = (await ids()).at(-1) ?? 0;
		await env.DB.exec(`delete from audit_seals`);
		await env.DB.exec(`update audit_logs set ip = '203.0.113.9' where id = 2`);
		let hash = GENESIS;
		for (const row of await connect(env.DB).select().from(audit_logs).orderBy(audit_logs.id)) {
			const next = await sealHash(hash, row);
			await env.DB.prepare('insert into audit_seals (audit_id, prev_hash, hash) values (?, ?, ?)')
				.bind(row.id, hash, next)
				.run();
			hash = next;
		}
		const anew = { kind: 'rewound', id: last, to_id: last };
		expect((await verify()).faults).toEqual([...before, anew]);
		await seal();

		await env.DB.exec(`delete from audit_seals where audit_id >= ${String(last - 1)}`);
		await env.DB.exec(`delete from audit_logs where id >= ${String(last - 1)}`);
		await env.DB.exec(`update sqlite_sequence set seq = ${String(last - 2)} where name = 'audit_logs'`);
		const cut = { kind: 'rewound', id: last - 1, to_id: last };
		expect((await verify()).faults).toEqual([...before, cut, anew]);
	});
});
