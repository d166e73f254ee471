import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sealAudit } from '#worker/services/audit/seal.ts';
import { type Answer, type Caller, ctxFor, fresh, person } from './api-world.ts';

// Somebody who can write to the database and takes the triggers away: what the chain then still tells.

let admin: Caller;

beforeAll(async () => {
	admin = await person('admin');
});

const sql = (text: string) => env.DB.exec(text);
const verify = (): Promise<Answer['body']> => admin.ok('GET', '/api/audit/verify');
const add = async (n: number) => {
	for (let i = 0; i < n; i++) await admin.ok('POST', '/api/projects', { name: fresh('p') });
};

beforeEach(async () => {
	for (const trigger of [
		'audit_logs_no_update',
		'audit_logs_no_delete',
		'audit_seals_no_update',
		'audit_seals_no_delete',
	])
		await sql(`drop trigger if exists ${trigger}`);
	await sql('delete from audit_seals');
	await sql('delete from audit_logs');
	await sql("delete from sqlite_sequence where name = 'audit_logs'");
	await add(6);
	await sealAudit(ctxFor({ kind: 'actor', actor: { kind: 'system' } }));
});

describe('verifying the chain', () => {
	it('finds nothing wrong where nothing is, and counts what is not sealed yet', async () => {
		await add(2);
		expect(await verify()).toMatchObject({
			checked: 6,
			faults: [],
			tail: 2,
			head: { id: 6 },
			last_id: 8,
			next_cursor: null,
		});
	});

	it('names a row that was altered, whichever column it is', async () => {
		for (const set of [
			"ip = '203.0.113.9'",
			'user_id = 99',
			"metadata = '{}'",
			'timestamp = timestamp + 1',
			'object_id = 1',
		]) {
			await sql('create table kept as select * from audit_logs');
			await sql(`update audit_logs set ${set} where id = 3`);
			expect((await verify()).faults, set).toEqual([{ kind: 'altered', id: 3, to_id: 3 }]);
			await sql('delete from audit_logs');
			await sql('insert into audit_logs select * from kept');
			await sql('drop table kept');
		}
		expect((await verify()).faults).toEqual([]);
	});

	it('names rows that were deleted, with and without their links', async () => {
		await sql('delete from audit_logs where id in (3, 4)');
		expect((await verify()).faults).toEqual([{ kind: 'missing', id: 3, to_id: 4 }]);
		await sql('delete from audit_seals where audit_id in (3, 4)');
		expect((await verify()).faults).toEqual([
			{ kind: 'missing', id: 3, to_id: 4 },
			{ kind: 'relinked', id: 5, to_id: 5 },
		]);
	});

	it('names rows that changed places', async () => {
		await sql('update audit_logs set id = 100 where id = 2');
		await sql('update audit_logs set id = 2 where id = 5');
		await sql('update audit_logs set id = 5 where id = 100');
		expect((await verify()).faults).toMatchObject([
			{ kind: 'altered', id: 2 },
			{ kind: 'altered', id: 5 },
		]);
	});

	it('names a tail that was cut off, links and all', async () => {
		await sql('delete from audit_logs where id > 4');
		await sql('delete from audit_seals where audit_id > 4');
		expect(await verify()).toMatchObject({ faults: [{ kind: 'missing', id: 5, to_id: 6 }], last_id: 6 });
	});

	it('names a link that was taken out, and one that was written anew', async () => {
		await sql('delete from audit_seals where audit_id = 4');
		expect((await verify()).faults).toEqual([
			{ kind: 'unsealed', id: 4, to_id: 4 },
			{ kind: 'relinked', id: 5, to_id: 5 },
		]);
		await sql(`update audit_seals set hash = '${'ab'.repeat(32)}' where audit_id = 2`);
		expect((await verify()).faults).toMatchObject([
			{ kind: 'altered', id: 2 },
			{ kind: 'relinked', id: 3 },
			{ kind: 'unsealed', id: 4 },
			{ kind: 'relinked', id: 5 },
		]);
	});

	it('goes on where the part before ended, with that link in hand', async () => {
		const cursor = (after: number, hash: string) =>
			encodeURIComponent(btoa(JSON.stringify({ after, hash })).replace(/=+$/, ''));
		const from = async (at: string) => admin.ok('GET', `/api/audit/verify?cursor=${at}`);
		const { head } = (await verify()) as { head: { id: number; hash: string } };
		await add(1);
		expect(await from(cursor(head.id, head.hash))).toMatchObject({ checked: 0, faults: [], tail: 1, head: null });
		await sealAudit(ctxFor({ kind: 'actor', actor: { kind: 'system' } }));
		expect(await from(cursor(head.id, head.hash))).toMatchObject({ checked: 1, faults: [], head: { id: 7 } });
		expect((await from(cursor(head.id, 'cd'.repeat(32)))).faults).toMatchObject([{ kind: 'relinked', id: 7 }]);
		for (const wrong of ['x', '%00', btoa('{}'), cursor(-1, head.hash), cursor(1, 'x')])
			expect(await admin.call('GET', `/api/audit/verify?cursor=${wrong}`)).toMatchObject({
				status: 400,
				body: { errors: [{ path: 'cursor' }] },
			});
	});
});
