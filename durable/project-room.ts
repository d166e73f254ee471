import { DurableObject } from 'cloudflare:workers';
import type { Labels } from '#domain/job.ts';
import type { Reason } from '#domain/run.ts';
import { type Entity, PING, PONG } from '#protocol/browser.ts';
import { Close } from '#protocol/close-codes.ts';
import { systemCtx } from '#worker/http/context.ts';
import { type Dispatch, type Fleet, loadDispatch, loadFleet } from '#worker/services/runs/spec.ts';
import { Changes } from './core/changes.ts';
import { type Candidate, fitting, projectPaused, type Queued, waitingReason } from './core/queue.ts';
import { Pages } from './pages.ts';
import { watcherOf } from './watcher.ts';

/** The most queued runs one pass looks at; those behind them wait for the next. */
const PASS_MAX = 200;
/** While runs wait the room tries again at least this often, should a message that a slot is free be lost. */
const AGAIN_MS = 30_000;

/** One project: its queue and dispatch, its open pages. A shell: what it decides is in core/. */
export class ProjectRoom extends DurableObject<Env> {
	readonly #id: number;
	readonly #changes: Changes;
	readonly #pages: Pages;
	/** When each agent was last given a run, so that they take turns. */
	readonly #givenAt = new Map<number, number>();
	#passing: Promise<void> | null = null;
	#again = false;
	#loaded: Dispatch[] = [];

	constructor(ctx: DurableObjectState, env: Env) {
		super(ctx, env);
		this.#id = Number(ctx.id.name);
		ctx.storage.sql.exec(
			`create table if not exists queue (run_id integer primary key, priority integer not null, requested_at text not null,
			 labels text not null, backend text not null, reason text)`,
		);
		this.#changes = new Changes(ctx.storage);
		this.#pages = new Pages(() => ctx.getWebSockets(), this.#changes);
		ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
	}

	// ——— the queue ———

	/** A run waits. Telling it twice, or of one that does not wait any more, does no harm. */
	async queued(run_id: number): Promise<void> {
		const dispatch = await loadDispatch(systemCtx(this.env, this.ctx), run_id);
		if (!dispatch) return this.forget(run_id);
		const { run, priority, labels, spec } = dispatch;
		if (!spec) {
			const reason: Reason = { code: 'script_missing', message: 'What the job should run is not there any more.' };
			await this.#stream(run_id).unrunnable(run, reason);
			return this.forget(run_id);
		}
		this.ctx.storage.sql.exec(
			'insert or ignore into queue (run_id, priority, requested_at, labels, backend) values (?, ?, ?, ?, ?)',
			...[run_id, priority, run.requested_at, JSON.stringify(labels), run.backend],
		);
		this.#loaded.push(dispatch);
		await this.dispatch();
	}

	forget(run_id: number): void {
		this.ctx.storage.sql.exec('delete from queue where run_id = ?', run_id);
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
		const queue = this.#queue();
		const loaded = new Map(this.#loaded.map((d) => [d.run.id, d]));
		this.#loaded = [];
		if (queue.length === 0) return;
		const fleet = [...loaded.values()].at(-1)?.fleet ?? (await loadFleet(systemCtx(this.env, this.ctx), this.#id));
		const waiting: { run: Queued; fit: Candidate[] }[] = [];
		const open = new Set(fleet.agents.map((a) => a.id));
		for (const run of queue) {
			const fit = fitting(fleet.agents, run);
			const placed =
				fleet.project_status === 'active' &&
				(await this.#place(
					run,
					fit.filter((a) => open.has(a.id)),
					open,
					loaded.get(run.run_id),
				));
			if (placed) this.forget(run.run_id);
			else waiting.push({ run, fit });
		}
		for (const [ahead, { run, fit }] of waiting.entries()) this.#wait(run, reasonOf(fleet, run, fit, ahead));
		if (waiting.length > 0) await this.ctx.storage.setAlarm(Date.now() + AGAIN_MS);
	}

	/** True when the run is out of the queue: an agent has it, or it does not wait any more. Agents that are full leave `open`. */
	async #place(run: Queued, fit: Candidate[], open: Set<number>, loaded: Dispatch | undefined): Promise<boolean> {
		if (fit.length === 0) return false;
		const dispatch = loaded ?? (await loadDispatch(systemCtx(this.env, this.ctx), run.run_id));
		if (!dispatch?.spec) return true;
		fit.sort((a, b) => (this.#givenAt.get(a.id) ?? 0) - (this.#givenAt.get(b.id) ?? 0));
		for (const agent of fit) {
			const sent = await this.#stream(run.run_id).offer(dispatch.run, dispatch.spec, agent.id);
			if (sent === 'offered') this.#givenAt.set(agent.id, Date.now());
			if (sent === 'offered' || sent === 'gone') return true;
			open.delete(agent.id);
		}
		return false;
	}

	/** Says why a run waits, when that is news. */
	#wait(run: Queued, reason: Reason) {
		if (run.reason?.code === reason.code && run.reason.message === reason.message) return;
		const text = JSON.stringify(reason);
		this.ctx.storage.sql.exec('update queue set reason = ? where run_id = ?', text, run.run_id);
		this.#later(this.#stream(run.run_id).waiting(reason));
	}

	#queue(): Queued[] {
		return this.ctx.storage.sql
			.exec<{ run_id: number; labels: string; backend: string; reason: string | null }>(
				'select run_id, labels, backend, reason from queue order by priority desc, requested_at, run_id limit ?',
				PASS_MAX,
			)
			.toArray()
			.map(({ run_id, labels, backend, reason }) => ({
				run_id,
				backend,
				labels: JSON.parse(labels) as Labels,
				reason: reason === null ? null : (JSON.parse(reason) as Reason),
			}));
	}

	// ——— the pages ———

	/** Rows of the project changed, and were committed. */
	changed(changes: { entity: Entity; id: number; row: object | null }[]): void {
		this.#pages.changed(this.#changes.add(changes));
		// It may have been paused, or be active again.
		if (changes.some((c) => c.entity === 'project')) this.#later(this.dispatch());
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

const reasonOf = (fleet: Fleet, run: Queued, fit: Candidate[], ahead: number): Reason =>
	fleet.project_status === 'active' ? waitingReason(run, fit, ahead) : projectPaused;
