// The hub is killed between a change and the keeping of its answer: who asks again with the same Idempotency-Key is answered, and
// nothing is done twice.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Api } from '#tests/support/api.ts';
import { databaseFiles, inDatabase } from '#tests/support/hub-database.ts';
import { startHub, type TestHub } from '#tests/support/hub.ts';

let hub: TestHub;
let admin: Api;

beforeAll(async () => {
	hub = await startHub({ agent: false });
	admin = await Api.signIn(hub.url, 'admin', hub.password);
});

afterAll(async () => {
	await hub.stop();
});

const ENDLESS = 'with recursive n(x) as (select 1 union all select x + 1 from n) select max(x) from n';

it('an answer that was not kept is made again, from what was done', async () => {
	const { job_id } = await admin.jobWith('#!/bin/sh\ntrue\n');
	await hub.kill9();
	// Whoever keeps an answer now is at it for ever.
	inDatabase(hub.dataDir, (db) =>
		db.exec(`create trigger slow before update on idempotency_keys begin ${ENDLESS}; end`),
	);
	await hub.restart();
	const key = { 'idempotency-key': 'the-hub-dies-of-it' };
	const ask = () => admin.call('POST', `/api/jobs/${String(job_id)}/runs`, {}, key);
	const first = ask().catch(() => null);
	await expect
		.poll(() => databaseFiles(hub.dataDir).some((file) => readFileSync(file).includes(key['idempotency-key'])))
		.toBe(true);
	await hub.kill9();
	await first;

	inDatabase(hub.dataDir, (db) => {
		expect(db.prepare('select answer from idempotency_keys where key = ?').all(key['idempotency-key'])).toEqual([
			{ answer: null },
		]);
		db.exec('drop trigger slow');
	});
	await hub.restart();
	const again = await ask();
	expect(again).toMatchObject({ status: 201, body: { job_id, status: 'queued' } });
	const { items } = await admin.get(`/api/runs?job_id=${String(job_id)}`);
	expect(items).toMatchObject([{ id: again.body.id }]);
	expect((await ask()).body).toEqual(again.body);
});
