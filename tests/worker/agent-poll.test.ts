import { env, exports } from 'cloudflare:workers';
import { runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { authMessage, type FromAgent, ToAgent } from '#protocol/agent.ts';
import {
	BATCH_MAX,
	decodeBatch,
	encodeBatch,
	encodePacket,
	isClose,
	type Packet,
	SESSION_HEADER,
} from '#protocol/batch.ts';
import { type Caller, ORIGIN, person, project } from './api-world.ts';
import {
	type AgentIdentity,
	becomes,
	enrolled,
	newBoot,
	queuedRun,
	rowOf,
	signedHello,
	TestAgent,
} from './live-world.ts';

let admin: Caller;
let p: number;
let identity: AgentIdentity;

beforeEach(async () => {
	admin = await person('admin');
	p = await project(admin);
	identity = await enrolled({ project_ids: JSON.stringify([p]) });
});

const BYTES = { 'content-type': 'application/octet-stream' };
const statusOf = (id = identity.id) =>
	env.DB.prepare('select status from agents where id = ?').bind(id).first('status');

const post = (path: 'poll' | 'send', id: number, body: Uint8Array, headers: Record<string, string> = {}) =>
	exports.default.fetch(`${ORIGIN}/live/agent/${path}?agent=${String(id)}`, {
		method: 'POST',
		headers: { ...BYTES, ...headers },
		body,
	});

async function problemOf(answer: Promise<Response> | Response): Promise<[number, string]> {
	const response = await answer;
	expect(response.headers.get('content-type')).toBe('application/problem+json');
	const { code, detail } = await response.json<{ code: string; detail: string }>();
	expect(detail.length).toBeGreaterThan(10);
	return [response.status, code];
}

const empty = new Uint8Array();
const frames = (first: number, ...packets: (FromAgent | Packet)[]) =>
	encodeBatch(
		first,
		packets.map((f) => encodePacket(typeof f === 'object' && 'type' in f ? JSON.stringify(f) : f)),
	);

/** An agent whose connection is made of requests, one at a time and by hand. */
class PollAgent {
	readonly id: number;
	readonly session: string;
	readonly got: Packet[] = [];
	up = 0;

	private constructor(id: number, session: string) {
		this.id = id;
		this.session = session;
	}

	static async open(id: number): Promise<PollAgent> {
		const response = await post('poll', id, empty);
		expect(response.status).toBe(201);
		return new PollAgent(id, (await response.json<{ session: string }>()).session);
	}

	/** Connected and welcomed. */
	static async online({ id, key }: AgentIdentity, boot_id = newBoot()): Promise<PollAgent> {
		const agent = await PollAgent.open(id);
		const { challenge, host } = await agent.next('challenge');
		await agent.say(
			await signedHello(key, authMessage({ host, agent_id: id, challenge, boot_id }), { agent_id: id, boot_id }),
		);
		await agent.next('welcome');
		await expect.poll(() => statusOf(id)).toBe('online');
		return agent;
	}

	get mine() {
		return { [SESSION_HEADER]: this.session };
	}

	async say(...packets: (FromAgent | Packet)[]): Promise<void> {
		const { status } = await post('send', this.id, frames(this.up + 1, ...packets), this.mine);
		expect(status).toBe(204);
		this.up += packets.length;
	}

	async fetch(): Promise<void> {
		const response = await post('poll', this.id, encodeBatch(this.got.length + 1, []), this.mine);
		expect(response.status).toBe(200);
		this.got.push(...decodeBatch(new Uint8Array(await response.arrayBuffer())).packets);
	}

	get said(): ToAgent[] {
		return this.got.flatMap((p) => (typeof p === 'string' ? [ToAgent.parse(JSON.parse(p))] : []));
	}

	/** The next of a type that was not asked for before; polls until it is there. */
	async next<T extends ToAgent['type']>(type: T): Promise<Extract<ToAgent, { type: T }>> {
		const before = this.#seen.get(type) ?? 0;
		for (;;) {
			const found = this.said.filter((m): m is Extract<ToAgent, { type: T }> => m.type === type)[before];
			if (found) {
				this.#seen.set(type, before + 1);
				return found;
			}
			await this.fetch();
		}
	}
	readonly #seen = new Map<string, number>();

	/** How the hub closed it. */
	async closed(): Promise<number> {
		for (;;) {
			const last = this.got.at(-1);
			if (last !== undefined && isClose(last)) return last.code;
			await this.fetch();
		}
	}
}

/** Takes the next run it is offered as far as its start. */
async function started(agent: PollAgent): Promise<{ run_id: number; epoch: number }> {
	const { epoch, spec } = await agent.next('offer');
	const run = { run_id: (spec as { run_id: number }).run_id, epoch };
	await agent.say({ type: 'accept', ...run, need: [] });
	await agent.next('grant');
	await agent.say({ type: 'started', ...run, at: new Date().toISOString() });
	return run;
}

const finish = (run: { run_id: number; epoch: number }): FromAgent => ({
	type: 'finish',
	...run,
	outcome: 'success',
	exit_code: 0,
	reason: null,
	started_at: null,
	exited_at: new Date().toISOString(),
	last_seq: 0,
	bytes: 0,
	sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
});

it('an agent without WebSockets proves itself, runs, is canceled and leaves as any other', async () => {
	const agent = await PollAgent.online(identity);
	const run = await queuedRun(admin, p);
	const at = await started(agent);
	await becomes(run, { status: 'running', agent_id: identity.id });
	await agent.say(finish(at));
	expect(await agent.next('finished')).toMatchObject(at);
	await becomes(run, { status: 'success' });
	const second = await queuedRun(admin, p);
	await started(agent);
	await admin.ok('POST', `/api/runs/${String(second)}/cancel`, {});
	expect(await agent.next('cancel')).toMatchObject({ run_id: second });
	await agent.say({ code: 1000, reason: 'bye' });
	await expect.poll(() => statusOf()).toBe('offline');
	await becomes(second, { phase: 'disconnected' });
	expect(await problemOf(post('poll', identity.id, encodeBatch(1, []), agent.mine))).toEqual([404, 'not_found']);
});

it('the same rules hold as for a socket: wrong signature, wrong frames, revocation, one at a time', async () => {
	const { key } = await enrolled();
	const forger = await PollAgent.open(identity.id);
	const { challenge, host } = await forger.next('challenge');
	const boot_id = newBoot();
	const message = authMessage({ host, agent_id: identity.id, challenge, boot_id });
	await forger.say(await signedHello(key, message, { agent_id: identity.id, boot_id }));
	expect(await forger.closed()).toBe(4401);

	const early = await PollAgent.open(identity.id);
	await early.say({ type: 'pong', nonce: 'x' });
	expect(await early.closed()).toBe(4401);

	const agent = await PollAgent.online(identity, boot_id);
	const { agent: socket } = await TestAgent.online(identity, { boot_id });
	expect(await agent.closed()).toBe(4409);
	const back = await PollAgent.online(identity, boot_id);
	await socket.socket.closes(4409);

	await admin.ok('POST', `/api/agents/${String(identity.id)}/revoke`, {});
	expect(await back.closed()).toBe(4403);
	const wrong = await PollAgent.online(await enrolled());
	await wrong.say('no json');
	expect(await wrong.closed()).toBe(4400);
});

it('37: a key that lives by a socket and by requests at once is quarantined', async () => {
	const agent = await PollAgent.online(identity);
	const other = await TestAgent.connect(identity);
	await agent.say({ type: 'pong', nonce: (await agent.next('ping')).nonce });
	await other.socket.closes(4403);
	expect(await agent.closed()).toBe(4403);
	await expect.poll(() => statusOf()).toBe('quarantined');
});

it('an object that lost its memory knows no session; the agent comes anew and nothing is lost', async () => {
	const boot_id = newBoot();
	const agent = await PollAgent.online(identity, boot_id);
	const run = await queuedRun(admin, p);
	await started(agent);
	await becomes(run, { status: 'running' });
	// An eviction would wait for the requests to come to an end.
	await runInDurableObject(env.AGENT_LINK.getByName(String(identity.id)), (_link, state) => {
		state.abort('the memory is lost');
	}).catch(() => undefined);
	expect(await problemOf(post('poll', identity.id, encodeBatch(1, []), agent.mine))).toEqual([404, 'not_found']);
	const { welcome } = await TestAgent.online(identity, {
		boot_id,
		runs: [{ run_id: run, epoch: 1, phase: 'started', last_seq: 0 }],
	});
	expect(welcome.runs).toMatchObject([{ action: 'resume', next_seq: 1 }]);
});

describe('38, 10: a request that poses as another’s, or comes again, changes nothing', () => {
	it('a session is known only for the agent it was made for, and only as the hub made it', async () => {
		const holder = await PollAgent.online(identity);
		const thief = await PollAgent.online(await enrolled({ project_ids: JSON.stringify([await project(admin)]) }));
		const run = await queuedRun(admin, p);
		await holder.next('offer');
		const forged = frames(thief.up + 1, {
			type: 'refuse',
			run_id: run,
			epoch: 1,
			reason: { code: 'start_failed', message: 'x' },
		});
		for (const [id, session] of [
			[thief.id, holder.session],
			[holder.id, thief.session],
			[holder.id, 'A'.repeat(43)],
			[holder.id, 'short'],
			[999_999, holder.session],
		] as const) {
			const headers = { [SESSION_HEADER]: session, 'x-forwarded-for': '127.0.0.1', 'x-partykit-id': holder.session };
			expect(await problemOf(post('send', id, forged, headers)), session).toEqual([404, 'not_found']);
			expect(await problemOf(post('poll', id, encodeBatch(1, []), headers)), session).toEqual([404, 'not_found']);
		}
		expect(await problemOf(post('send', holder.id, forged))).toEqual([400, 'invalid']);
		// With a session of its own it still speaks of its own runs only.
		await thief.say({ type: 'refuse', run_id: run, epoch: 1, reason: { code: 'start_failed', message: 'x' } });
		expect((await thief.next('lease')).runs).toEqual([{ run_id: run, epoch: 1, desired: 'drop' }]);
		expect(await rowOf(run)).toMatchObject({ status: 'queued' });
	});

	it('replayed, out of order, malformed or too large it is refused, and the connection goes on', async () => {
		const agent = await PollAgent.online(identity);
		const run = await queuedRun(admin, p);
		const at = await started(agent);
		await becomes(run, { status: 'running' });
		const up = agent.up;
		const send = (body: Uint8Array, headers = {}) => post('send', agent.id, body, { ...agent.mine, ...headers });
		expect(await problemOf(send(frames(up, finish(at))))).toEqual([409, 'conflict']);
		expect(await problemOf(send(frames(1, finish(at))))).toEqual([409, 'conflict']);
		expect(await problemOf(send(frames(up + 2, finish(at))))).toEqual([409, 'conflict']);
		expect(await problemOf(send(frames(up + 1)))).toEqual([400, 'invalid']);
		expect(await problemOf(send(new Uint8Array([0, 0, 0])))).toEqual([400, 'invalid']);
		expect(await problemOf(send(new Uint8Array(BATCH_MAX + 1)))).toEqual([413, 'too_large']);
		expect(await problemOf(send(frames(up + 1, finish(at)), { 'content-type': 'text/plain' }))).toEqual([
			415,
			'unsupported_media_type',
		]);
		expect(await problemOf(send(frames(up + 1, finish(at)), { origin: 'https://evil.example' }))).toEqual([
			403,
			'forbidden',
		]);
		expect(await problemOf(post('poll', agent.id, encodeBatch(900, []), agent.mine))).toEqual([409, 'conflict']);
		expect(await problemOf(post('poll', agent.id, frames(1, 'x'), agent.mine))).toEqual([400, 'invalid']);
		expect(await rowOf(run)).toMatchObject({ status: 'running' });
		await agent.say(finish(at));
		await agent.next('finished');
		await becomes(run, { status: 'success' });
	});

	it('there is a session only for an agent there is, with nothing sent along, and not for many strangers', async () => {
		expect(await problemOf(post('poll', 999_999, empty))).toEqual([404, 'not_found']);
		expect(await problemOf(post('poll', identity.id, frames(1, 'x')))).toEqual([400, 'invalid']);
		const { status } = await exports.default.fetch(`${ORIGIN}/live/agent/poll?agent=${String(identity.id)}`);
		expect(status).toBe(404);
		for (let i = 0; i < 8; i++) await PollAgent.open(identity.id);
		expect(await problemOf(post('poll', identity.id, empty))).toEqual([429, 'too_many']);
	});
});
