import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANSWER_MAX, type Answered, type Exchange, exchange, shownAddress } from '#protocol/run-request.ts';
import { signedContent, signedHeaders, signingKey } from '#protocol/signed-request.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

/** What comes back, part by part; `dropped` when the rest was not wanted. */
class FarEnd {
	dropped = false;
	readonly #parts: Iterator<Uint8Array>;
	readonly #status: number;
	readonly #headers: Record<string, string>;

	constructor(status: number, parts: Iterable<Uint8Array> = [], headers: Record<string, string> = {}) {
		this.#status = status;
		this.#parts = parts[Symbol.iterator]();
		this.#headers = headers;
	}
	answer(): Promise<Answered> {
		return Promise.resolve({
			status: this.#status,
			statusText: 'So it is',
			header: (name) => this.#headers[name] ?? null,
			read: () => {
				const next = this.#parts.next();
				return Promise.resolve(next.done ? null : next.value);
			},
			drop: () => {
				this.dropped = true;
			},
		});
	}
}

async function asked(send: () => Promise<Answered>, over: Partial<Exchange> = {}) {
	const log = { stdout: '', stderr: '' };
	const ended = await exchange({
		method: 'POST',
		url: 'https://hooks.example.org/deploy?key=s3cret',
		expected: null,
		timeout_s: 5,
		send,
		hidden: null,
		stopped: () => null,
		say: (stream, text) => (log[stream] += text),
		now: () => 0,
		...over,
	});
	return { ended, ...log };
}

describe('a request and its answer', () => {
	it('are told in the log, without what may be secret', async () => {
		const headers = { 'content-type': 'text/plain', 'set-cookie': 'a=s3cret', authorization: 's3cret' };
		const end = new FarEnd(201, [bytes('made\n')], headers);
		const { ended, stdout, stderr } = await asked(() => end.answer());
		expect(ended).toEqual({ outcome: 'success', reason: null });
		expect(stdout).toBe(
			'POST https://hooks.example.org/deploy?…\n201 So it is, after 0 ms\ncontent-type: text/plain\n\nmade\n',
		);
		expect(stderr).toBe('');
	});

	it.each([
		[204, null, null],
		[202, 202, null],
		[200, 202, 'http_status'],
		[404, null, 'http_status'],
		[404, 404, null],
		[302, null, 'http_refused'],
		[302, 302, null],
	])('%i where %s is expected ends as %s', async (status, expected, code) => {
		const { ended, stderr } = await asked(() => new FarEnd(status).answer(), { expected });
		expect(ended?.reason?.code ?? null).toBe(code);
		expect(stderr === '').toBe(code === null);
	});

	it.each([
		['timeout', 'timeout'],
		[null, 'http_unreachable'],
	] as const)('no answer (%s) ends as %s', async (stopped, code) => {
		const none = () => Promise.reject(new Error('no route to 10.1.2.3'));
		const { ended, stderr } = await asked(none, { stopped: () => stopped });
		expect(ended).toMatchObject({ outcome: 'failed', reason: { code } });
		// What lies behind an address is not told.
		expect(stderr).not.toContain('10.1.2.3');
		expect((await asked(none, { stopped: () => 'canceled' })).ended).toBeNull();
	});

	it('that breaks off is no success, whatever its status was', async () => {
		const end = new FarEnd(200, [bytes('half')]);
		const answer = async () => ({ ...(await end.answer()), read: () => Promise.reject(new Error('reset')) });
		expect((await asked(answer)).ended).toMatchObject({ outcome: 'failed', reason: { code: 'http_unreachable' } });
	});

	it('that never ends is read so far and no further', async () => {
		let read = 0;
		function* endless() {
			for (;;) {
				read += 65_536;
				yield new Uint8Array(65_536).fill(120);
			}
		}
		const end = new FarEnd(200, endless());
		const { ended, stdout, stderr } = await asked(() => end.answer());
		expect(ended?.outcome).toBe('success');
		expect(end.dropped).toBe(true);
		expect(read).toBeLessThanOrEqual(ANSWER_MAX + 2 * 65_536);
		expect(stdout.length).toBeLessThan(ANSWER_MAX + 1000);
		expect(stderr).toContain('not read');
	});

	it('of any bytes, cut anywhere, is the text that they are', async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), async (parts) => {
				const { stdout } = await asked(() => new FarEnd(200, parts).answer());
				const whole = new Uint8Array(parts.flatMap((part) => [...part]));
				expect(stdout.slice(stdout.indexOf('\n\n') + 2)).toBe(
					new TextDecoder('utf-8', { ignoreBOM: true }).decode(whole),
				);
			}),
		);
	});

	it('46: never show what is hidden, wherever it is cut', async () => {
		const hidden = 't0ken-of-a-callback';
		await fc.assert(
			fc.asyncProperty(fc.array(fc.nat(60), { maxLength: 6 }), fc.nat(2), async (cuts, spread) => {
				const text = `{"callback_token":"${hidden}"}${hidden}${'x'.repeat(spread)}${hidden}`;
				const at = [0, ...cuts.sort((a, b) => a - b), text.length];
				const parts = at.map((from, i) => bytes(text.slice(from, at[i + 1])));
				// Each part is told by itself.
				let now = 0;
				const { stdout } = await asked(() => new FarEnd(200, parts, { 'x-request-id': hidden }).answer(), {
					hidden,
					now: () => (now += 2000),
				});
				expect(stdout).not.toContain(hidden);
				expect(stdout.slice(stdout.indexOf('\n\n') + 2)).toBe(text.replaceAll(hidden, '•••'));
			}),
		);
	});

	it('hide the query of an address, and nothing else', () => {
		expect(shownAddress('https://a.example/x/y')).toBe('https://a.example/x/y');
		expect(shownAddress('https://a.example:8443/?t=1#h')).toBe('https://a.example:8443/?…');
	});
});

describe('29: a signature', () => {
	it('is under the bytes of a Standard Webhooks key, or of any other text', () => {
		fc.assert(
			fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.string(), (key, text) => {
				expect(signingKey(`whsec_${Buffer.from(key).toString('base64')}`)).toEqual(new Uint8Array(key));
				if (!text.startsWith('whsec_')) expect(signingKey(text)).toEqual(bytes(text));
			}),
		);
		for (const odd of ['whsec_', 'whsec_a', 'whsec_not base64!', 'whsec_===='])
			expect(signingKey(odd)).toEqual(bytes(odd));
	});

	it('is what Standard Webhooks says it is', () => {
		// The example of its specification.
		const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
		const content = signedContent('msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, '{"test": 2432232314}');
		const hmac = createHmac('sha256', signingKey(secret)).update(content).digest('base64');
		const headers = signedHeaders({ event: 'e', id: 'i', timestamp: 1, hmac, version: '1' });
		expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
	});
});
