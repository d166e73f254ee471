import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { MailLedger } from '#agent/mail/ledger.ts';
import { sayPolicy } from '#agent/commands/policy-check.ts';
import { parsePolicy } from '#agent/policy/index.ts';
import { MailPolicy } from '#agent/policy/mail.ts';

const good = { host: 'mail.example.org', from: 'hub@example.org', domains: ['example.org'] };
const dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-mail-ledger-'));
afterAll(() => {
	rmSync(dir, { recursive: true });
});

describe('the policy for mails', () => {
	it('allows none where it is left out, and says what it allows', () => {
		expect(parsePolicy('version: 1').mail).toBe(null);
		const policy = parsePolicy(JSON.stringify({ version: 1, mail: good }));
		expect(sayPolicy(policy)).toContain(
			"the hub's mails: by mail.example.org:587 (starttls) from hub@example.org to example.org, 200 an hour",
		);
	});

	it.each([
		{ domains: [] },
		{ domains: ['*'] },
		{ domains: ['example.org/evil'] },
		{ from: 'hub' },
		{ from: 'hub@example.org\r\nBcc: x@example.org' },
		{ host: 'mail.example.org:25' },
		{ host: 'mail.example.org\n' },
		{ port: 0 },
		{ user: 'env:MAIL_USER' },
		{ user: 'vault:kv2/a/b#c', password: 'env:MAIL_PASSWORD' },
		{ security: 'none' },
		{ security: 'maybe' },
		{ ca: 'ca.pem' },
		{ hub: 'hub.example.org' },
		{ hub: 'https://hub.example.org/path' },
		{ template: 'x' },
	])('39: refuses %j', (wrong) => {
		expect(MailPolicy.safeParse({ ...good, ...wrong }).success).toBe(false);
	});

	it('speaks without TLS to this very machine alone', () => {
		for (const host of ['localhost', '127.0.0.1', '::1'])
			expect(MailPolicy.safeParse({ ...good, host, security: 'none' }).success, host).toBe(true);
	});
});

describe('which mails were passed on', () => {
	const now = Date.now();
	const file = path.join(dir, 'mails');

	it('is known after a restart, also with a torn or damaged end', async () => {
		const [begun, sent, free] = [randomUUID(), randomUUID(), randomUUID()];
		const ledger = await MailLedger.open(file, now);
		await Promise.all([begun, sent, free].map((key) => ledger.note(key, 'begun', now)));
		await Promise.all([ledger.note(sent, 'sent', now), ledger.note(free, 'free', now)]);
		appendFileSync(file, `nonsense\n{"key":"${randomUUID()}","at":`);
		const again = await MailLedger.open(file, now);
		expect([begun, sent, free, randomUUID()].map((key) => again.of(key))).toEqual(['begun', 'sent', null, null]);
		expect(again.since(now - 1)).toBe(3);
	});

	it('is forgotten after three days', async () => {
		const key = randomUUID();
		const ledger = await MailLedger.open(file, now);
		await ledger.note(key, 'sent', now);
		const later = await MailLedger.open(file, now + 73 * 3_600_000);
		expect(later.of(key)).toBe(null);
		expect(readFileSync(file, 'utf8')).toBe('');
	});
});
