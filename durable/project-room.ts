import { DurableObject } from 'cloudflare:workers';
import { PING, PONG } from '#protocol/browser.ts';
import { Close } from '#protocol/close-codes.ts';
import { systemCtx } from '#worker/http/context.ts';
import { stillAllowed } from '#worker/services/live/still-allowed.ts';
import { loadQueue } from '#worker/services/runs/queue.ts';
import { type Dispatch, loadDispatches } from '#worker/services/runs/spec.ts';
import { Changes } from './core/changes.ts';
import { type Candidate, fitting, frozenReason, projectPaused, type Queued, waitingReason } from './core/queue.ts';
import { Timers } from './core/timers.ts';
import { Pages } from './pages.ts';
import { watcherOf } from './watcher.ts';

/** While runs wait the room tries again at least this often, should a message that a slot is free be lost. */
const AGAIN_MS = 30_000;
/** What changes in so short a time is written down and told together. */
const GATHER_MS = 5;
/** How many runs are read in full at once. */
const LOAD_MAX = 25;
/** How many runs that were placed are remembered; one that was forgotten is offered anew, and its stream says no. */
const PLACED_MAX = 2_000;

type ChangedRow = Parameters<Changes['add']>[0][number];

/**
 * One project: the dispatch of its runs, its open pages. A shell: what it decides is in core/.
 * What waits is in the record; the room holds nothing of it that it could lose.
 */
export class ProjectRoom extends DurableObject<Env> {
	readonly #id: number;
	readonly #changes: Changes;
	readonly #pages: Pages;
	readonly #timers: Timers;
	/** When each agent was last given a run, so that they take turns. */
	readonly #givenAt = new Map<number, number>();
	/** Runs an agent was given, which the record still shows as queued until they start. */
	readonly #placed = new Set<number>();
	#passing: Promise<void> | null = null;
	#again = false;
	/** Runs that have come since the last pass began. */
	#asked = new Set<number>();
	#gathered: ChangedRow[] = [];
	#gathering: Promise<void> | null = null;

	constructor(ctx: DurableObjectState, env: Env) {
		super(ctx, env);
		this.#id = Number(ctx.id.name);
		this.#changes = new Changes(ctx.storage);
		this.#timers = new Timers(ctx.storage);
		ctx.storage.sql.exec('create table if not exists watched_runs (run_id integer primary key, key text not null)');
		this.#pages = new Pages(
			() => ctx.getWebSockets(),
			this.#changes,
			(sessions) => stillAllowed(systemCtx(env, ctx), this.#id, sessions),
		);
		ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
	}

	// ——— the queue ———

	/** A run waits. Telling it twice, or of one that does not wait any more, does no harm. */
	async queued(run_id: number): Promise<void> {
		this.#placed.delete(run_id);
		this.#asked.add(run_id);
		await this.dispatch();
	}

	/** Gives waiting runs to agents, as far as there is room. One pass at a time; what comes meanwhile is seen by the next. */
	async dispatch(): Promise<void> {
		this.#again = true;
		this.#passing ??= this.#passes().finally(() => {
			this.#passing = null;
		});
		await this.#passing;
	}

	override async alarm(): Promise<void> {
		const due = this.#timers.take(Date.now());
		if (due.includes('sessions')) {
			this.#pages.rights.look(Date.now());
			this.#timers.set('sessions', this.#pages.rights.nextEnd);
		}
		if (due.length !== 1 || due[0] !== 'sessions') await this.dispatch();
		await this.#arm();
	}

	async #arm() {
		const next = this.#timers.next();
		if (next !== null) await this.ctx.storage.setAlarm(next);
	}

	async #passes() {
		while (this.#again) {
			this.#again = false;
			await this.#pass();
		}
	}

	async #pass() {
		const asked = [...this.#asked].slice(0, LOAD_MAX);
		this.#asked.clear();
		const queue = await loadQueue(systemCtx(this.env, this.ctx), this.#id, asked);
		const still: { run: Queued; fit: Candidate[] }[] = [];
		const open = new Set(queue.agents.map((a) => a.id));
		const waiting = queue.waiting.filter(({ run_id }) => !this.#placed.has(run_id));
		const loaded = queue.asked;
		for (const [n, run] of waiting.entries()) {
			const fit = fitting(queue.agents, run);
			const held = queue.project_status !== 'active' || run.frozen !== null;
			const candidates = held ? [] : fit.filter((a) => open.has(a.id));
			if (candidates.length > 0 && !loaded.has(run.run_id)) await this.#load(waiting.slice(n, n + LOAD_MAX), loaded);
			const dispatch = loaded.get(run.run_id);
			// What cannot be run fails at once, whether or not there is an agent for it.
			const placeable = candidates.length > 0 || dispatch?.spec === null;
			if (placeable && (await this.#place(dispatch, candidates, open))) this.#remember(run.run_id);
			else still.push({ run, fit });
		}
		let ahead = 0;
		for (const { run, fit } of still) {
			const reason =
				queue.project_status !== 'active'
					? projectPaused
					: run.frozen
						? frozenReason(run.frozen)
						: waitingReason(run, fit, ahead++);
			if (run.reason?.code !== reason.code || run.reason.message !== reason.message)
				this.#later(this.#stream(run.run_id).waiting(reason));
		}
		if (still.length === 0) return;
		const thaws = still.map(({ run }) => (run.frozen ? Date.parse(run.frozen.until) : Infinity));
		this.#timers.set('queue', Math.min(Date.now() + AGAIN_MS, ...thaws));
		await this.#arm();
	}

	/** Reads in full those of the runs that are not yet. */
	async #load(runs: readonly Queued[], loaded: Map<number, Dispatch>) {
		const ids = runs.flatMap(({ run_id }) => (loaded.has(run_id) ? [] : [run_id]));
		for (const [id, dispatch] of await loadDispatches(systemCtx(this.env, this.ctx), ids)) loaded.set(id, dispatch);
	}

	/** True when the run is out of the queue: an agent has it, or it does not wait any more. Agents that are full leave `open`. */
	async #place(dispatch: Dispatch | undefined, fit: Candidate[], open: Set<number>): Promise<boolean> {
		if (!dispatch) return true;
		const { run, spec, why, only_agent } = dispatch;
		if (why) await this.#stream(run.id).unrunnable(run, why);
		if (!spec) return true;
		fit.sort((a, b) => (this.#givenAt.get(a.id) ?? 0) - (this.#givenAt.get(b.id) ?? 0));
		for (const agent of only_agent === null ? fit : fit.filter((a) => a.id === only_agent)) {
			const sent = await this.#stream(run.id).offer(run, spec, agent.id);
			if (sent === 'offered') this.#givenAt.set(agent.id, Date.now());
			if (sent === 'offered' || sent === 'gone') return true;
			open.delete(agent.id);
		}
		return false;
	}

	#remember(run_id: number) {
		this.#placed.add(run_id);
		const [oldest] = this.#placed;
		if (this.#placed.size > PLACED_MAX && oldest !== undefined) this.#placed.delete(oldest);
	}

	// ——— the pages ———

	/** Rows of the project changed, and were committed. Resolves when the pages can no longer miss it. */
	async changed(changes: ChangedRow[]): Promise<void> {
		this.#gathered.push(...changes);
		this.#gathering ??= this.#gather();
		await this.#gathering;
		// It may have been paused or frozen, or be open again.
		if (changes.some((c) => c.entity === 'project' || c.entity === 'freeze')) this.#later(this.dispatch());
	}

	async #gather() {
		await new Promise((done) => setTimeout(done, GATHER_MS));
		const rows = this.#gathered;
		this.#gathered = [];
		this.#gathering = null;
		this.#pages.changed(this.#changes.add(rows));
	}

	override fetch(request: Request): Response {
		const watcher = watcherOf(request);
		const { 0: client, 1: server } = new WebSocketPair();
		const full = this.#pages.full;
		this.ctx.acceptWebSocket(server);
		if (full) server.close(Close.tooFast, 'too many open pages');
		else {
			this.#pages.add(server, watcher);
			this.#later(this.#pages.rights.arrived(watcher, Date.now()));
			if (watcher.expires_at < (this.#timers.at('sessions') ?? Infinity)) {
				this.#timers.set('sessions', watcher.expires_at);
				this.#later(this.#arm());
			}
		}
		return new Response(null, { status: 101, webSocket: client });
	}

	override webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): void {
		this.#pages.said(ws, message);
	}

	override webSocketClose(): void {
		this.#pages.gone();
	}

	override webSocketError(): void {
		this.#pages.gone();
	}

	// ——— rights ———

	/** The rights of a person (null: of anybody) in the project have changed, and were committed. Who lost them is out when this resolves. */
	async rightsChanged(user_id: number | null): Promise<void> {
		const runs = this.ctx.storage.sql
			.exec<{ run_id: number; key: string }>('select run_id, key from watched_runs')
			.toArray();
		await Promise.all([
			this.#pages.rights.changed(user_id, Date.now()),
			...runs.map(async ({ run_id, key }) => {
				// A stream that ended with its viewers could not say so.
				if (!(await this.#stream(run_id).rightsChanged(user_id)))
					this.ctx.storage.sql.exec('delete from watched_runs where run_id = ? and key = ?', run_id, key);
			}),
		]);
	}

	/** A run's stream has viewers, or none any more. Answers whether rights changed a moment ago. */
	watched(run_id: number, there: boolean): boolean {
		const { sql } = this.ctx.storage;
		if (there) sql.exec('insert or replace into watched_runs (run_id, key) values (?, ?)', run_id, crypto.randomUUID());
		else sql.exec('delete from watched_runs where run_id = ?', run_id);
		return this.#pages.rights.changedLately(Date.now());
	}

	#stream(run_id: number) {
		return this.env.RUN_STREAM.getByName(String(run_id));
	}

	/** Work that nobody waits for; the next pass makes good what fails. */
	#later(work: Promise<unknown>) {
		this.ctx.waitUntil(
			work.catch((error: unknown) => {
				console.error(`project ${String(this.#id)}:`, error);
			}),
		);
	}
}
