import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Forms, formsOf, Masker } from '#agent/mask.ts';

const SECRET = 's3cr3t/Pass+word \'q\' "d" $x\\y é';
const latin1 = (b: Uint8Array): string => Buffer.from(b).toString('latin1');

function masked(secrets: (string | Buffer)[], parts: Buffer[]): string {
	const masker = new Masker(new Forms(secrets.map((s) => Buffer.from(s))));
	return latin1(Buffer.concat([...parts.map((p) => masker.push(p)), masker.end()]));
}

/** Cuts bytes at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
	const at = [0, ...new Set(places.map((p) => p % (bytes.length + 1)))].sort((a, b) => a - b);
	return at.map((from, n) => bytes.subarray(from, at[n + 1] ?? bytes.length));
}

const encodings: Record<string, (s: string) => string> = {
	raw: (s) => s,
	base64: (s) => Buffer.from(s).toString('base64').replace(/.=+$/, ''),
	'base64 one byte later': (s) => Buffer.from(`x${s}`).toString('base64').slice(2).replace(/.=+$/, ''),
	'base64 two bytes later': (s) => Buffer.from(`xy${s}`).toString('base64').slice(3).replace(/.=+$/, ''),
	base64url: (s) => Buffer.from(s).toString('base64url').slice(0, -1),
	hex: (s) => Buffer.from(s).toString('hex'),
	HEX: (s) => Buffer.from(s).toString('hex').toUpperCase(),
	URL: encodeURIComponent,
	'URL of a form': (s) => encodeURIComponent(s).replaceAll('%20', '+'),
	'URL in lower case': (s) => encodeURIComponent(s).replace(/%../g, (h) => h.toLowerCase()),
	JSON: (s) => JSON.stringify(s).slice(1, -1),
	'JSON in ASCII': (s) => JSON.stringify(s).slice(1, -1).replace('é', '\\u00e9'),
	'in single quotes': (s) => s.replaceAll("'", "'\\''"),
	'in double quotes': (s) => s.replace(/["$`\\]/g, '\\$&'),
	'with backslashes': (s) => s.replace(/[^\w@%+=:,./-]/gu, '\\$&'),
};

describe('46: a secret in the log', () => {
	for (const [name, encode] of Object.entries(encodings))
		it(`46: ${name}, cut at every byte`, () => {
			const shown = encode(SECRET);
			const line = Buffer.from(`<<${shown}>>\n`);
			for (let at = 0; at <= line.length; at++) {
				const out = masked([SECRET], cut(line, [at]));
				expect(out).not.toContain(Buffer.from(shown).toString('latin1'));
				expect(out).toMatch(/^<<.?\*\*\*.{0,2}>>\n$/);
			}
		});

	it('46: base64 as programs print it, in lines of 76, of 64, and hexadecimal in lines of 60', () => {
		const key = Array.from({ length: 200 }, (_, n) => String.fromCharCode(33 + ((n * 7) % 90))).join('');
		const wrap = (text: string, width: number) => text.match(new RegExp(`.{1,${String(width)}}`, 'g')) ?? [];
		const base64 = Buffer.from(key).toString('base64').replace(/=+$/, '');
		for (const lines of [wrap(base64, 76), wrap(base64, 64), wrap(Buffer.from(key).toString('hex'), 60)]) {
			const out = masked([key], [Buffer.from(lines.join('\n'))]);
			for (const line of lines.slice(0, -1)) expect(out).not.toContain(line);
		}
	});

	it('46: each line of a secret with several, with and without its last line break', () => {
		const pem = '-----BEGIN KEY-----\nAAAABBBBCCCC\nDDDDEEEEFFFF\n-----END KEY-----\n';
		expect(masked([pem], [Buffer.from('got DDDDEEEEFFFF and AAAABBBBCCCC\n')])).toBe('got *** and ***\n');
		expect(masked([pem], [Buffer.from(`${pem}after\n`)])).not.toMatch(/AAAA|EEEE/);
		expect(masked(['hunter2hunter2\n'], [Buffer.from('hunter2hunter2 was it')])).toBe('*** was it');
	});

	it('46: any secret, anywhere, cut anywhere: it is never in the output, and the cuts change nothing', () => {
		const secret = fc.uint8Array({ minLength: 6, maxLength: 40 }).map((b) => Buffer.from(b));
		// Few different bytes, so that secrets overlap with themselves, each other and what stands around them.
		const dense = fc.array(fc.constantFrom(97, 98), { minLength: 6, maxLength: 12 }).map((b) => Buffer.from(b));
		const filler = fc.array(fc.constantFrom(97, 98, 10, 99), { maxLength: 30 }).map((b) => Buffer.from(b));
		fc.assert(
			fc.property(
				fc.array(fc.oneof(secret, dense), { minLength: 1, maxLength: 4 }),
				fc.array(filler, { minLength: 1, maxLength: 5 }),
				fc.array(fc.nat(), { maxLength: 12 }),
				(secrets, fillers, places) => {
					const bytes = Buffer.concat(fillers.flatMap((f, n) => [f, secrets[n % secrets.length] ?? f]));
					const whole = masked(secrets, [bytes]);
					expect(masked(secrets, cut(bytes, places))).toBe(whole);
					expect(
						masked(
							secrets,
							[...bytes].map((b) => Buffer.from([b])),
						),
					).toBe(whole);
					for (const s of secrets) expect(whole).not.toContain(latin1(s));
				},
			),
			{ numRuns: 300 },
		);
	});

	it('46: overlapping secrets are covered by one mark, and nothing of either is left', () => {
		expect(masked(['abcdefgh', 'efghijkl'], [Buffer.from('>abcdefghijkl<')])).toBe('>***<');
		expect(masked(['secret-one', 'secret-one-more'], [Buffer.from('secret-one-more;secret-one')])).toBe('***;***');
	});
});

describe('what is no secret', () => {
	it('passes unchanged, byte for byte, whatever the cuts', () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(), { maxLength: 8 }), (raw, places) => {
				const bytes = Buffer.from(raw);
				expect(masked(['\u0001 never in there \u0002'], cut(bytes, places))).toBe(latin1(bytes));
				expect(masked([], cut(bytes, places))).toBe(latin1(bytes));
			}),
		);
	});

	it('is not held back: a line leaves with its last byte, and only the beginning of a secret waits', () => {
		const masker = new Masker(new Forms([Buffer.from('secret-value')]));
		expect(masker.push(Buffer.from('a line\n')).toString()).toBe('a line\n');
		expect(masker.push(Buffer.from('prompt: secr')).toString()).toBe('prompt: ');
		expect(masker.push(Buffer.from('etary\n')).toString()).toBe('secretary\n');
		expect(masker.push(Buffer.from('secret-val')).toString()).toBe('');
		expect(masker.end().toString()).toBe('secret-val');
	});

	it('has no form shorter than six characters', () => {
		fc.assert(
			fc.property(fc.string({ maxLength: 12 }), (s) => {
				for (const form of formsOf(Buffer.from(s))) expect(form.length).toBeGreaterThanOrEqual(6);
			}),
		);
	});
});

it('a secret of one repeated character does not make the log slow', () => {
	const masker = new Masker(new Forms([Buffer.alloc(64, 'a')]));
	const out = Buffer.concat([masker.push(Buffer.alloc(200_000, 'a')), masker.end()]);
	expect(out.toString()).toBe('***');
});
