// A hub, an agent and the line between them, for tests that strike at a message of a run; and what became of the run, as its script, its log,
// its row and the audit tell it.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { processesWith } from './agent-process.ts';
import { Api } from './api.ts';
import { CutProxy, type Direction, type Passage } from './cut-proxy.ts';
import { startHub, type TestHub } from './hub.ts';
import { type RealAgent, realAgent } from './real-agent.ts';

export const LINES = 60;
/** Each start leaves the run's id in `spawns`; each line goes to `lines` first, then to the log. It ends by itself when the test has gone. */
export const SCRIPT = `#!/bin/sh
echo "$UHUB_RUN_ID" >> "$UHUB_PARAM_DIR/spawns"
i=0
while [ $i -lt $UHUB_PARAM_LINES ]; do
	i=$((i + 1))
	echo "line $i of run $UHUB_RUN_ID" >> "$UHUB_PARAM_DIR/lines" || exit 99
	echo "line $i of run $UHUB_RUN_ID"
	sleep 0.02
done
`;

/** Strikes at the nth message of a kind. */
export interface Strike {
	direction: Direction;
	type: string;
	nth?: number;
	/** What becomes of the message; default: it is held back. */
	message?: Passage;
	then: (run_id: number) => Promise<unknown>;
}

export interface Begun {
	run_id: number;
	/** Where its script writes. */
	dir: string;
}

export interface Story {
	row: Record<string, unknown>;
	spawns: number;
	/** Its processes that live after its end. */
	alive: number[];
	/** What the script wrote, and what the hub kept. */
	file: string;
	log: string;
}

export class FaultScene {
	/** Where scripts write, each in a directory of its own. */
	readonly dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-fault-'));
	/** Of all the runs here, as they were told first. */
	readonly #ends: { row: Record<string, unknown>; dir: string; spawns: number }[] = [];

	readonly hub: TestHub;
	readonly admin: Api;
	readonly proxy: CutProxy;
	readonly agent: RealAgent;
	readonly job_id: number;

	private constructor(scene: Pick<FaultScene, 'hub' | 'admin' | 'proxy' | 'agent' | 'job_id'>) {
		this.hub = scene.hub;
		this.admin = scene.admin;
		this.proxy = scene.proxy;
		this.agent = scene.agent;
		this.job_id = scene.job_id;
	}

	static async set(): Promise<FaultScene> {
		const hub = await startHub({ agent: false });
		const admin = await Api.signIn(hub.url, 'admin', hub.password);
		const proxy = await CutProxy.start(hub.url);
		const agent = await realAgent(admin, { dial: proxy.url });
		const { job_id } = await admin.jobWith(SCRIPT);
		return new FaultScene({ hub, admin, proxy, agent, job_id });
	}

	async remove(): Promise<void> {
		await this.agent.remove();
		await this.proxy.close();
		await this.hub.stop();
		rmSync(this.dir, { recursive: true, force: true });
	}

	readonly hubDies = async (): Promise<void> => {
		await this.hub.kill9();
		await this.hub.restart();
	};
	readonly agentDies = async (): Promise<void> => {
		await this.agent.kill9();
		this.agent.start();
	};
	readonly lineIsCut = (): Promise<void> => {
		this.proxy.cut();
		this.proxy.heal();
		return Promise.resolve();
	};

	/**
	 * Arms the strikes: each when the one before has struck, and each begins when that one is through. Resolves when all are.
	 * @param began the run they are told of; none begins before
	 */
	async strikes(strikes: readonly Strike[], began: Promise<number>): Promise<void> {
		let seen = 0;
		let next = 0;
		let through: Promise<unknown> = began;
		const struck = strikes.map(() => Promise.withResolvers<unknown>());
		this.proxy.watch = (direction, { type }) => {
			const strike = strikes[next];
			if (strike?.direction !== direction || strike.type !== type || ++seen !== (strike.nth ?? 1)) return 'pass';
			seen = 0;
			// Not in this turn: a message that is let through leaves first.
			through = through.then(async () => strike.then(await began));
			struck[next++]?.resolve(through);
			return strike.message ?? 'drop';
		};
		for (const { promise } of struck) await promise;
	}

	/** Runs the script with the strikes, and waits for the end. */
	async story(strikes: readonly Strike[], of: { job_id?: number; lines?: number } = {}): Promise<Story> {
		const began = Promise.withResolvers<number>();
		const through = this.strikes(strikes, began.promise);
		const run = await this.begin(of);
		began.resolve(run.run_id);
		await through;
		return this.told(run);
	}

	/** Begins a run as a client does that asks again where it had no answer: by its key that is the same run. */
	async begin({ job_id = this.job_id, lines = LINES } = {}): Promise<Begun> {
		const dir = mkdtempSync(path.join(this.dir, 'run-'));
		const key = { 'idempotency-key': randomUUID() };
		const body = { parameters: { DIR: dir, LINES: String(lines) } };
		for (;;) {
			const asked = this.admin.ok('POST', `/api/jobs/${String(job_id)}/runs`, body, key);
			const answer = await asked.catch((error: unknown) => {
				if (error instanceof TypeError) return null;
				throw error;
			});
			if (answer) return { run_id: Number(answer.id), dir };
			await sleep(100);
		}
	}

	/** What became of a run that was begun, once it has ended. */
	async told({ run_id, dir }: Begun): Promise<Story> {
		const row = await this.admin.ended(run_id, 120_000);
		const told = {
			row,
			spawns: spawnsIn(dir),
			alive: processesWith(`UHUB_PARAM_DIR=${dir}\0`),
			file: written(dir, 'lines'),
			log: (await this.admin.log(run_id)).toString(),
		};
		this.#ends.push({ row, dir, spawns: told.spawns });
		return told;
	}

	/** A run that ended has that end after another start of the hub too; it was written down once, and nothing started since. */
	async expectEndsStay(): Promise<void> {
		await this.hub.restart();
		// The agent is back, and has heard what became of those before.
		expectWhole(await this.story([]));
		expect(this.#ends.length).toBeGreaterThan(1);
		for (const { row, dir, spawns } of this.#ends) {
			const { id, status, reason, finished_at } = row;
			expect(await this.admin.get(`/api/runs/${String(id)}`)).toMatchObject({ status, reason, finished_at });
			const finishes = `/api/audit?action=run.finish&object_type=Run&object_id=${String(id)}`;
			expect((await this.admin.get(finishes)).items, finishes).toHaveLength(1);
			expect(spawnsIn(dir), dir).toBe(spawns);
		}
	}
}

/** Started once, to its end, and the hub has what it wrote. */
export function expectWhole({ row, spawns, alive, file, log }: Story, what = JSON.stringify(row.reason)): void {
	expect(row.status, what).toBe('success');
	expect({ spawns, alive }, what).toEqual({ spawns: 1, alive: [] });
	expect(file.split('\n').length, what).toBe(LINES + 1);
	expect(log, what).toBe(file);
}

const spawnsIn = (dir: string) => written(dir, 'spawns').split('\n').filter(Boolean).length;

function written(dir: string, name: string): string {
	try {
		return readFileSync(path.join(dir, name), 'utf8');
	} catch {
		return '';
	}
}
