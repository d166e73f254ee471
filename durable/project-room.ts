import { DurableObject } from 'cloudflare:workers';
import { z } from 'zod';
import { PING, PONG } from '#protocol/browser.ts';
import { Close } from '#protocol/close-codes.ts';
import { systemCtx } from '#worker/http/context.ts';
import { stillAllowed } from '#worker/services/live/still-allowed.ts';
import { loadQueue, loadWaiting } from '#worker/services/runs/queue.ts';
import { startDue } from '#worker/services/runs/scheduled.ts';
import { type Dispatch, loadDispatches } from '#worker/services/runs/spec.ts';
import { breather, calm } from './core/calm.ts';
import { Changes } from './core/changes.ts';
import { Dispatcher } from './core/dispatcher.ts';
import { hub, reasonsOf } from './core/queue.ts';
import { Timers } from './core/timers.ts';
import { Pages } from './pages.ts';
import { watcherOf } from './watcher.ts';

/** While runs wait the room tries again at least this often, should a message that a slot is free be lost. */
const AGAIN_MS = 30_000;
/** What is due is tried again so soon where the record is away. */
const PLAN_AGAIN_MS = 1_000;
/** However many runs are placed at once, what comes meanwhile is heard this often. */
const BREATH_MS = 500;
/** What changes until the thread has time, or for so long, is written down and told together. */
const GATHER_MOST_MS = 100;
/** What waits is told why after so long, and from then on not more often: most runs are off before it is worth saying. */
const EXPLAIN_FIRST_MS = 200;
const EXPLAIN_AGAIN_MS = 1_000;

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
	readonly #dispatcher: Dispatcher<Dispatch>;
	#passing: Promise<void> | null = null;
	#again = false;
	#breathe = breather(BREATH_MS);
	/** Runs that have come since the last pass began. */
	readonly #asked = new Set<number>();
	/** Something waits, as far as was seen. */
	#left = false;
	#explaining: ReturnType<typeof setTimeout> | null = null;
	#explainedAt = 0;
	#gathered: ChangedRow[] = [];
	#gathering: Promise<void> | null = null;

	constructor(ctx: DurableObjectState, env: Env) {
		super(ctx, env);
		this.#id = Number(ctx.id.name);
		this.#changes = new Changes(ctx.storage);
		this.#timers = new Timers(ctx.storage);
		this.#dispatcher = new Dispatcher(ctx.storage, {
			load: (known, asked) => loadQueue(systemCtx(env, ctx), this.#id, known, asked),
			dispatches: (run_ids) => loadDispatches(systemCtx(env, ctx), run_ids),
			ended: async ({ run, end }) => {
				if (end) await this.#stream(run.id).unrunnable(run, end);
				return end !== null;
			},
			offer: async ({ run, spec }, agent_id) => {
				if (spec === null) return 'gone';
				await this.#breathe();
				const stream = this.#stream(run.id);
				return agent_id === hub.id ? stream.begin(run, spec) : stream.offer(run, spec, agent_id);
			},
			underWay: (run_id) => this.#stream(run_id).underWay(),
		});
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
		this.#asked.add(run_id);
		await this.#dispatch();
	}

	/** A run that was offered waits again. */
	async waitsAgain(run_id: number): Promise<void> {
		this.#dispatcher.forget(run_id);
		await this.queued(run_id);
	}

	/** An agent has room, after it had none for a run of this project. */
	async roomAt(agent_id: number): Promise<void> {
		this.#dispatcher.roomAt(agent_id);
		await this.#dispatch();
	}

	/** Looks at everything anew: a message may have been lost. */
	async look(): Promise<void> {
		await this.#startDue();
		this.#dispatcher.forgetAll();
		await this.#dispatch();
	}

	/** Gives waiting runs to agents, as far as there is room. One pass at a time; what comes meanwhile is seen by the next. */
	async #dispatch(): Promise<void> {
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
		if (due.includes('plan')) await this.#startDue();
		if (due.includes('queue')) await this.look();
		await this.#arm();
	}

	/** Starts what is planned for now, and sets the clock for what comes next. What fails is tried again soon. */
	async #startDue() {
		let next: number | null = Date.now() + PLAN_AGAIN_MS;
		try {
			const at = await startDue(systemCtx(this.env, this.ctx), this.#id);
			// What is due still could not be started, or there were too many.
			if (at === null || Date.parse(at) > Date.now()) next = at === null ? null : Date.parse(at);
		} catch (error) {
			console.error(`project ${String(this.#id)}: what is due could not be started:`, error);
		}
		this.#timers.set('plan', next);
		await this.#arm();
	}

	async #arm() {
		const next = this.#timers.next();
		if (next !== null) await this.ctx.storage.setAlarm(next);
	}

	async #passes() {
		this.#breathe = breather(BREATH_MS);
		while (this.#again) {
			this.#again = false;
			const asked = [...this.#asked];
			this.#asked.clear();
			const { again, left, wakes } = await this.#dispatcher.pass(asked);
			this.#again ||= again;
			this.#left = left;
			if (left) this.#explainSoon();
			await this.#wakeAt(wakes);
		}
	}

	/** Looks again at the first of these moments that is to come, or earlier. */
	async #wakeAt(moments: readonly string[]) {
		const now = Date.now();
		const first = Math.min(...moments.map((at) => Date.parse(at)).filter((at) => at > now));
		if (first >= (this.#timers.at('queue') ?? Infinity)) return;
		this.#timers.set('queue', first);
		await this.#arm();
	}

	#explainSoon() {
		if (this.#explaining !== null) return;
		const wait = Math.max(EXPLAIN_FIRST_MS, this.#explainedAt + EXPLAIN_AGAIN_MS - Date.now());
		this.#explaining = setTimeout(() => {
			this.#explaining = null;
			this.#explainedAt = Date.now();
			this.#later(this.#explain());
		}, wait);
	}

	/** Has each waiting run say why, and looks again when the first of them may go on. */
	async #explain() {
		const queue = await loadWaiting(systemCtx(this.env, this.ctx), this.#id, this.#dispatcher.known);
		this.#left = queue.queued > 0;
		if (!this.#left) return;
		const now = Date.now();
		const before = new Map(queue.waiting.map((run) => [run.run_id, run.reason]));
		for (const { run_id, reason } of reasonsOf(queue, (key) => this.#dispatcher.holder(key), now)) {
			const was = before.get(run_id);
			if (was?.code !== reason.code || was.message !== reason.message)
				this.#later(this.#stream(run_id).waiting(reason));
		}
		const thaws = queue.waiting.flatMap(({ lane }) => lane.frozen?.until ?? []);
		await this.#wakeAt([new Date(now + AGAIN_MS).toISOString(), queue.next ?? [], thaws].flat());
	}

	// ——— the pages ———

	/** Rows of the project changed, and were committed. Resolves when the pages can no longer miss it. */
	async changed(changes: ChangedRow[]): Promise<void> {
		this.#gathered.push(...changes);
		this.#gathering ??= this.#gather();
		await this.#gathering;
		let look = false;
		for (const { entity, id, row } of changes) {
			// It may have been paused or frozen, or be open again; an agent may be here again, or take something new.
			if (entity === 'project' || entity === 'freeze') look = true;
			if (entity === 'agent') {
				this.#dispatcher.roomAt(id);
				look = true;
			}
			if (entity === 'job') await this.#planned(row);
			if (entity !== 'run' || statusOf(row) === 'queued') continue;
			this.#dispatcher.forget(id);
			if (statusOf(row) !== 'running' && this.#dispatcher.holdsKey(id)) look = true;
			// Those behind it have moved up.
			if (this.#left) this.#explainSoon();
		}
		if (look) this.#later(this.#dispatch());
	}

	/** A job that starts by itself may be the next to. One that is not any more only costs a look. */
	async #planned(row: object | null) {
		const plan = Plan.safeParse(row);
		if (!plan.success) return;
		const at = Date.parse(plan.data);
		if (at >= (this.#timers.at('plan') ?? Infinity)) return;
		this.#timers.set('plan', at);
		await this.#arm();
	}

	async #gather() {
		await calm(GATHER_MOST_MS);
		const rows = this.#gathered;
		this.#gathered = [];
		this.#gathering = null;
		this.#pages.changed(this.#changes.add(rows, Date.now()));
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

/** When a job starts by itself. */
const Plan = z.union([
	z.object({ next_start: z.string() }).transform((job) => job.next_start),
	z
		.object({ auto_start: z.literal(true), status: z.literal('planned'), planned_start: z.string() })
		.transform((job) => job.planned_start),
]);
const statusOf = (row: object | null): unknown => (row !== null && 'status' in row ? row.status : null);
