import { DurableObject } from 'cloudflare:workers';
import type { Reason } from '#domain/run.ts';
import { PING, PONG } from '#protocol/browser.ts';
import { Close } from '#protocol/close-codes.ts';
import { systemCtx } from '#worker/http/context.ts';
import { stillAllowed } from '#worker/services/live/still-allowed.ts';
import { loadQueue } from '#worker/services/runs/queue.ts';
import { type Dispatch, loadDispatch } from '#worker/services/runs/spec.ts';
import { Changes } from './core/changes.ts';
import { type Candidate, fitting, projectPaused, type Queued, waitingReason } from './core/queue.ts';
import { Pages } from './pages.ts';
import { watcherOf } from './watcher.ts';

/** While runs wait the room tries again at least this often, should a message that a slot is free be lost. */
const AGAIN_MS = 30_000;
/** What changes in so short a time is written down and told together. */
const GATHER_MS = 5;
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
	/** When each agent was last given a run, so that they take turns. */
	readonly #givenAt = new Map<number, number>();
	/** Runs an agent was given, which the record still shows as queued until they start. */
	readonly #placed = new Set<number>();
	#passing: Promise<void> | null = null;
	#again = false;
	#asked: number | null = null;
	#gathered: ChangedRow[] = [];
	#gathering: Promise<void> | null = null;

	constructor(ctx: DurableObjectState, env: Env) {
		super(ctx, env);
		this.#id = Number(ctx.id.name);
		this.#changes = new Changes(ctx.storage);
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
		this.#asked = run_id;
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
		await this.dispatch();
	}

	async #passes() {
		while (this.#again) {
			this.#again = false;
			await this.#pass();
		}
	}

	async #pass() {
		const queue = await loadQueue(systemCtx(this.env, this.ctx), this.#id, this.#asked);
		this.#asked = null;
		const still: { run: Queued; fit: Candidate[] }[] = [];
		const open = new Set(queue.agents.map((a) => a.id));
		for (const run of queue.waiting) {
			if (this.#placed.has(run.run_id)) continue;
			const fit = fitting(queue.agents, run);
			const candidates = queue.project_status === 'active' ? fit.filter((a) => open.has(a.id)) : [];
			const loaded = queue.asked?.run.id === run.run_id ? queue.asked : null;
			// What cannot be run fails at once, whether or not there is an agent for it.
			const placeable = candidates.length > 0 || loaded?.spec === null;
			if (placeable && (await this.#place(run.run_id, candidates, open, loaded))) this.#remember(run.run_id);
			else still.push({ run, fit });
		}
		for (const [ahead, { run, fit }] of still.entries()) {
			const reason = queue.project_status === 'active' ? waitingReason(run, fit, ahead) : projectPaused;
			if (run.reason?.code !== reason.code || run.reason.message !== reason.message)
				this.#later(this.#stream(run.run_id).waiting(reason));
		}
		if (still.length > 0) await this.ctx.storage.setAlarm(Date.now() + AGAIN_MS);
	}

	/** True when the run is out of the queue: an agent has it, or it does not wait any more. Agents that are full leave `open`. */
	async #place(run_id: number, fit: Candidate[], open: Set<number>, loaded: Dispatch | null): Promise<boolean> {
		const dispatch = loaded ?? (await loadDispatch(systemCtx(this.env, this.ctx), run_id));
		if (!dispatch) return true;
		if (!dispatch.spec) {
			await this.#stream(run_id).unrunnable(dispatch.run, nothingToRun);
			return true;
		}
		fit.sort((a, b) => (this.#givenAt.get(a.id) ?? 0) - (this.#givenAt.get(b.id) ?? 0));
		for (const agent of fit) {
			const sent = await this.#stream(run_id).offer(dispatch.run, dispatch.spec, agent.id);
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
		// It may have been paused, or be active again.
		if (changes.some((c) => c.entity === 'project')) this.#later(this.dispatch());
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
		else this.#pages.add(server, watcher);
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

const nothingToRun: Reason = {
	code: 'script_missing',
	message: 'What the job should run is not there any more, or is of a kind this hub does not run.',
};
