import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Code, Proof } from '#domain/second-factor.ts';
import { sealerOf } from '#worker/services/sealed.ts';
import { newRecoveryCodes, newSecret, otpauthUri, recoveryHash, stepOf } from '#worker/services/second_factor/totp.ts';

/** The secret of RFC 6238's test vectors, '12345678901234567890'. */
const RFC = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

describe('codes', () => {
	it.each([
		[59, '287082'],
		[1_111_111_109, '081804'],
		[1_111_111_111, '050471'],
		[1_234_567_890, '005924'],
		[2_000_000_000, '279037'],
		[20_000_000_000, '353130'],
	])('are those of RFC 6238 at %i s', async (seconds, code) => {
		expect(await stepOf(RFC, code, seconds * 1000, 0)).toBe(Math.floor(seconds / 30));
	});

	it('are good one step before and after, once, and never after a later one', async () => {
		const at = (step: number) => {
			const counter = Buffer.alloc(8);
			counter.writeBigUInt64BE(BigInt(step));
			const mac = createHmac('sha1', '12345678901234567890').update(counter).digest();
			const part = mac.readUInt32BE((mac[19] ?? 0) & 15) & 0x7fffffff;
			return String(part % 1_000_000).padStart(6, '0');
		};
		await fc.assert(
			fc.asyncProperty(fc.integer({ min: 100, max: 2 ** 31 }), fc.integer({ min: -4, max: 4 }), async (now, away) => {
				const taken = await stepOf(RFC, at(now + away), now * 30_000 + 29_999, 0);
				// Two steps may share a code: what is taken must then be one of the window.
				if (Math.abs(away) <= 1) expect(Math.abs((taken ?? 0) - now)).toBeLessThanOrEqual(1);
				else if (taken !== null) expect(at(taken)).toBe(at(now + away));
				if (taken !== null) expect(await stepOf(RFC, at(taken), now * 30_000, now + 1)).toBeNull();
			}),
			{ numRuns: 40 },
		);
	});

	it('come from secrets of 160 bits that no two people share', () => {
		const secrets = new Set(Array.from({ length: 200 }, newSecret));
		expect(secrets.size).toBe(200);
		for (const secret of secrets) expect(secret).toMatch(/^[A-Z2-7]{32}$/);
		const uri = new URL(otpauthUri(RFC, 'ada', 'hub.example.org'));
		expect(uri.protocol).toBe('otpauth:');
		expect(uri.searchParams.get('secret')).toBe(RFC);
		expect(decodeURIComponent(uri.pathname)).toContain('uHub hub.example.org:ada');
	});
});

describe('recovery codes', () => {
	it('are ten, of 80 bits, read as they are shown; their hashes are of one person', async () => {
		const { shown, hashes } = await newRecoveryCodes(7);
		expect(new Set(shown).size).toBe(10);
		for (const [n, code] of shown.entries()) {
			expect(code).toMatch(/^([a-z2-7]{4}-){3}[a-z2-7]{4}$/);
			const typed = Code.parse(` ${code.toUpperCase()} `);
			expect(await recoveryHash(7, typed)).toBe(hashes[n]);
			expect(await recoveryHash(8, typed)).not.toBe(hashes[n]);
		}
	});

	it('and codes are all that is taken for one', () => {
		expect(Code.parse('123 456')).toBe('123456');
		for (const wrong of ['', '12345', '1234567', '１２３４５６', 'abcdefgh', "' or 1=1", 'x'.repeat(61)])
			expect(Code.safeParse(wrong).success, wrong).toBe(false);
		expect(Proof.safeParse({}).success).toBe(false);
		expect(Proof.safeParse({ code: '123456', password: 'x' }).success).toBe(false);
	});
});

describe('sealing', () => {
	const sealer = sealerOf('a-secret-of-the-hub');

	it('opens what it sealed, for its purpose, about its row', async () => {
		await fc.assert(
			fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
				const sealed = await sealer.seal('p', '1', text);
				expect(sealed).toMatch(/^[A-Za-z0-9_-]+$/);
				expect(await sealer.open('p', '1', sealed)).toBe(text.toWellFormed());
				expect(await sealer.open('q', '1', sealed)).toBeNull();
				expect(await sealer.open('p', '2', sealed)).toBeNull();
				expect(await sealerOf('another').open('p', '1', sealed)).toBeNull();
			}),
			{ numRuns: 30 },
		);
	});

	it('opens nothing that was altered or made up', async () => {
		const sealed = await sealer.seal('p', '1', 'text');
		for (let at = 0; at < sealed.length - 1; at++) {
			const altered = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1);
			expect(await sealer.open('p', '1', altered)).toBeNull();
		}
		for (const made of ['', 'A', '%', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'])
			expect(await sealer.open('p', '1', made)).toBeNull();
		expect(await sealer.seal('p', '1', 'text')).not.toBe(sealed);
	});
});
