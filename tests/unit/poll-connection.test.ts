import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Choice } from '#agent/transport/choice.ts';
import { type PollConnection, Polls } from '#durable/core/transport/poll.ts';
import {
	BATCH_MAX,
	decodeBatch,
	encodeBatch,
	encodePacket,
	gathered,
	type Packet,
	POLL_GAP_MS,
	POLL_MS,
} from '#protocol/batch.ts';
import { FRAME_MAX } from '#protocol/close-codes.ts';
import { BadFrame } from '#protocol/run-frames.ts';

const said: (string | Uint8Array)[] = [];
const closed: PollConnection[] = [];
const stage = { stage: 'new', challenge: '', host: '', since: 0 } as const;
let polls: Polls;

beforeEach(() => {
	vi.useFakeTimers();
	said.length = closed.length = 0;
	polls = new Polls({ said: (_c, frame) => said.push(frame), closed: (c) => closed.push(c) });
});
afterEach(() => vi.useRealTimers());

function opened(session = 's'): PollConnection {
	const connection = polls.open(session, stage);
	if ('refused' in connection) throw new Error(connection.message);
	return connection;
}
const batch = (first: number, ...packets: Packet[]) => encodeBatch(first, packets.map(encodePacket));
const wanted = (next: number) => encodeBatch(next, []);
async function fetched(connection: PollConnection, next: number) {
	const answer = connection.poll(wanted(next));
	if ('refused' in answer) throw new Error(answer.message);
	return decodeBatch((await answer).batch);
}

describe('a batch', () => {
	const packet = fc.oneof(
		fc.string({ unit: 'binary' }).filter((s) => s.isWellFormed()),
		fc.uint8Array(),
	);
	it('is read as it was written, and anything else is refused, never a fault', () => {
		fc.assert(
			fc.property(fc.integer({ min: 1, max: 2 ** 32 - 1 }), fc.array(packet), (first, packets) => {
				expect(decodeBatch(batch(first, ...packets))).toEqual({ first, packets });
			}),
		);
		fc.assert(
			fc.property(fc.uint8Array(), (bytes) => {
				try {
					decodeBatch(bytes);
				} catch (error) {
					expect(error).toBeInstanceOf(BadFrame);
				}
			}),
		);
		for (const wrong of [
			batch(1, { code: 1000, reason: '' }, 'after the close'),
			batch(1, ...Array.from({ length: 1025 }, () => '')),
			batch(1, 'cut').subarray(0, -1),
			encodeBatch(1, [{ kind: 0, bytes: new Uint8Array([0xff]) }]),
			encodeBatch(1, [{ kind: 9, bytes: new Uint8Array(4) }]),
		])
			expect(() => decodeBatch(wrong)).toThrow(BadFrame);
	});

	it('holds one frame of any size, and of several as many as go through a proxy', () => {
		const huge = encodePacket(new Uint8Array(FRAME_MAX));
		expect(encodeBatch(1, [huge]).length).toBe(BATCH_MAX);
		expect(gathered([huge, huge])).toBe(1);
		expect(gathered([])).toBe(0);
		const part = encodePacket(new Uint8Array(262_144));
		expect(encodeBatch(1, [part, part, part].slice(0, gathered([part, part, part]))).length).toBeLessThan(524_300);
	});
});

describe('what the hub says', () => {
	it('is answered at once, together, and again until what comes after it is asked for', async () => {
		const c = opened();
		const first = fetched(c, 1);
		c.send('one');
		c.send(new Uint8Array([2]));
		expect(await first).toEqual({ first: 1, packets: ['one', new Uint8Array([2])] });
		c.send('three');
		expect((await fetched(c, 1)).packets).toHaveLength(3);
		expect(await fetched(c, 3)).toEqual({ first: 3, packets: ['three'] });
		expect(c.poll(wanted(2))).toMatchObject({ refused: 'conflict' });
		expect(c.poll(wanted(5))).toMatchObject({ refused: 'conflict' });
		expect(c.poll(batch(3, 'x'))).toMatchObject({ refused: 'invalid' });
		expect((await fetched(c, 3)).packets).toEqual(['three']);
	});

	it('that is nothing is answered with nothing when the time is over, or another request comes', async () => {
		const c = opened();
		const one = fetched(c, 1);
		const two = fetched(c, 1);
		expect(await one).toEqual({ first: 1, packets: [] });
		await vi.advanceTimersByTimeAsync(POLL_MS);
		expect(await two).toEqual({ first: 1, packets: [] });
		expect(c.open).toBe(true);
	});

	it('that is never fetched does not grow for ever', () => {
		const c = opened();
		for (let i = 0; i < 50; i++) c.send(new Uint8Array(FRAME_MAX));
		expect(c.open).toBe(false);
	});
});

describe('what the agent says', () => {
	it('10: is taken once and in its order, whatever is repeated, replayed, reordered or left out', () => {
		const c = opened();
		const one = batch(1, 'a', 'b');
		expect(c.take(one)).toBeNull();
		expect(c.take(one)).toBeNull();
		expect(c.take(batch(1, 'a', 'other'))).toMatchObject({
			refused: 'conflict',
			message: expect.stringContaining('before'),
		});
		expect(c.take(batch(2, 'b'))).toMatchObject({ refused: 'conflict' });
		expect(c.take(batch(4, 'd'))).toMatchObject({ refused: 'conflict', message: expect.stringContaining('missing') });
		expect(c.take(batch(3))).toMatchObject({ refused: 'invalid' });
		expect(c.take(new Uint8Array([1]))).toMatchObject({ refused: 'invalid' });
		expect(c.take(batch(3, 'c'))).toBeNull();
		expect(c.take(one)).toMatchObject({ refused: 'conflict' });
		expect(said).toEqual(['a', 'b', 'c']);
	});

	it('arrives whole through a line that loses, repeats and reorders requests and answers', async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.array(fc.constantFrom('ok', 'lost', 'answer lost', 'twice', 'old one again'), { maxLength: 60 }),
				async (line) => {
					said.length = 0;
					polls = new Polls({ said: (_c, frame) => said.push(frame), closed: () => undefined });
					const c = opened();
					const down: string[] = [];
					const sent: Uint8Array[] = [];
					let at = 1;
					let told = 0;
					let body = batch(at, 'frame 1');
					for (const fate of line) {
						c.send(`down ${String(++told)}`);
						const before = sent[0];
						if (fate === 'old one again' && before) c.take(before);
						if (fate === 'lost') continue;
						const again = fate === 'twice' ? c.take(body) : null;
						const refused = c.take(body);
						expect([again, refused]).toEqual([null, null]);
						if (fate === 'answer lost') continue;
						sent.push(body);
						body = batch(++at, `frame ${String(at)}`);
						const answer = await fetched(c, down.length + 1);
						down.push(...(answer.packets as string[]));
					}
					expect(new Set(said).size).toBe(said.length);
					expect(said).toEqual(said.map((_, i) => `frame ${String(i + 1)}`));
					expect(said.length).toBeGreaterThanOrEqual(sent.length);
					expect(down).toEqual(down.map((_, i) => `down ${String(i + 1)}`));
				},
			),
		);
	});
});

describe('the end', () => {
	it('comes when nobody asks any more, and is told once', async () => {
		const c = opened();
		await vi.advanceTimersByTimeAsync(POLL_GAP_MS - 1);
		const asked = fetched(c, 1);
		await vi.advanceTimersByTimeAsync(POLL_MS);
		await asked;
		expect(c.open).toBe(true);
		await vi.advanceTimersByTimeAsync(POLL_GAP_MS);
		expect(c.open).toBe(false);
		expect(closed).toEqual([c]);
		expect(polls.of('s')).toMatchObject({ refused: 'not_found' });
		expect(polls.all).toEqual([]);
	});

	it('by the hub reaches the agent after all that was said before, and nothing is taken afterwards', async () => {
		const c = opened();
		c.send('last words');
		c.close(4403, 'revoked');
		c.close(1000, 'again');
		c.send('too late');
		expect(c.take(batch(1, 'x'))).toMatchObject({ refused: 'not_found' });
		expect(await fetched(c, 1)).toEqual({ first: 1, packets: ['last words', { code: 4403, reason: 'revoked' }] });
		expect(polls.of('s')).toMatchObject({ refused: 'not_found' });
		expect(closed).toEqual([c]);
		expect(said).toEqual([]);
	});

	it('by the agent is at once, and frees who waits', async () => {
		const c = opened();
		const asked = fetched(c, 1);
		expect(c.take(batch(1, 'bye', { code: 1000, reason: '' }))).toBeNull();
		expect((await asked).packets).toEqual([]);
		expect(said).toEqual(['bye']);
		expect(closed).toEqual([c]);
		expect(polls.all).toEqual([]);
	});

	it('is the same for what is refused within a batch: nothing after it counts', () => {
		polls = new Polls({
			said: (c, frame) => {
				said.push(frame);
				c.close(4400, 'bad');
			},
			closed: (c) => closed.push(c),
		});
		expect(opened().take(batch(1, 'bad', 'never'))).toBeNull();
		expect(said).toEqual(['bad']);
	});

	it('31: there are never more than a bounded number of connections', () => {
		for (let i = 0; i < 64; i++) opened(String(i));
		expect(polls.open('one more', stage)).toMatchObject({ refused: 'too_many' });
	});
});

describe('the choice of a transport', () => {
	it('is a WebSocket, until three are kept out while the hub answers', () => {
		const choice = new Choice();
		for (let i = 0; i < 20; i++) {
			choice.failed('websocket', 'kept_out', false);
			choice.failed('websocket', 'other', true);
		}
		expect(choice.next).toBe('websocket');
		for (let i = 0; i < 3; i++) choice.failed('websocket', 'kept_out', true);
		expect(choice.next).toBe('long-poll');
		choice.welcomed('long-poll');
		expect(choice.next).toBe('long-poll');
		choice.welcomed('websocket');
		expect(choice.next).toBe('websocket');
	});

	it('goes back to WebSockets with a hub that knows nothing else, and tries one now and then while nothing works', () => {
		const choice = new Choice();
		const keptOut = () => {
			for (let i = 0; i < 3; i++) choice.failed('websocket', 'kept_out', true);
		};
		keptOut();
		choice.failed('long-poll', 'unknown_here', false);
		expect(choice.next).toBe('websocket');
		keptOut();
		const tried = Array.from({ length: 8 }, () => {
			const kind = choice.next;
			choice.failed(kind, kind === 'websocket' ? 'kept_out' : 'other', true);
			return kind;
		});
		expect(tried.filter((kind) => kind === 'websocket').length).toBeGreaterThanOrEqual(1);
		expect(tried.filter((kind) => kind === 'long-poll').length).toBeGreaterThanOrEqual(5);
	});

	it('tries a WebSocket beside it ever more seldom, at most every quarter of an hour', () => {
		const choice = new Choice();
		expect(choice.againAfterMs).toBe(60_000);
		for (let i = 0; i < 10; i++) choice.probeFailed();
		expect(choice.againAfterMs).toBe(900_000);
	});
});
