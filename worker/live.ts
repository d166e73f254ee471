import type { Live, RowChange, Witness } from './services/context.ts';
import type { Report } from './services/runs/report.ts';
import type { IsOver } from './services/runs/start.ts';
import type { LogRange, Logs } from './services/logs.ts';

/** What is only in the audit is told so often at most: a busy hub writes hundreds of rows a second, and a page asks for the latest. */
const AUDIT_EVERY_MS = 250;
let auditDue = 0;

/** There is one. */
export const hubRoom = (env: Env) => env.HUB_ROOM.getByName('hub');

/** The `Witness` port over the room of the hub. */
export const witnessOf = (env: Env): Witness => ({
	async recall() {
		return hubRoom(env).auditRecall();
	},
	async sealed(link) {
		await hubRoom(env).auditSealed(link);
	},
	async rewound(rewind, link) {
		await hubRoom(env).auditRewound(rewind, link);
	},
});

/** The `Live` port over the objects. */
export const liveOf = (env: Env): Live => ({
	async changed(changes) {
		const byProject = new Map<number, RowChange[]>();
		for (const change of changes)
			byProject.set(change.project_id, [...(byProject.get(change.project_id) ?? []), change]);
		await Promise.all(
			[...byProject].map(([project_id, rows]) =>
				env.PROJECT_ROOM.getByName(String(project_id)).changed(
					rows.map(({ entity, id, row }) => ({ entity, id, row })),
				),
			),
		);
	},
	async touched(touches) {
		if (touches.every(({ kind }) => kind === 'audit')) {
			const left = auditDue - Date.now();
			// Who waits already will tell of this too. A clock that was put back must not make it wait for longer.
			if (left > 0 && left <= AUDIT_EVERY_MS) return;
			auditDue = Date.now() + AUDIT_EVERY_MS;
			await new Promise((done) => setTimeout(done, AUDIT_EVERY_MS));
		}
		await hubRoom(env).touched(touches);
	},
	async queued({ id, project_id }) {
		await env.PROJECT_ROOM.getByName(String(project_id)).queued(id);
	},
	async look(project_id) {
		await env.PROJECT_ROOM.getByName(String(project_id)).look();
	},
	async cancel({ id }) {
		await env.RUN_STREAM.getByName(String(id)).cancel();
	},
	async decided({ id, project_id }) {
		await env.RUN_STREAM.getByName(String(id)).decided();
		await env.PROJECT_ROOM.getByName(String(project_id)).queued(id);
	},
	async agentChanged(agent_id) {
		await env.AGENT_LINK.getByName(String(agent_id)).refresh();
	},
	async rightsChanged(where) {
		await Promise.all(
			where.map(({ project_id, user_id }) => env.PROJECT_ROOM.getByName(String(project_id)).rightsChanged(user_id)),
		);
	},
});

/** The `IsOver` port over the streams. */
export const isOverOf =
	(env: Env): IsOver =>
	(run_id) =>
		env.RUN_STREAM.getByName(String(run_id)).isOver();

/** The `Report` port over the streams. */
export const reportOf =
	(env: Env): Report =>
	(run_id, callback) =>
		env.RUN_STREAM.getByName(String(run_id)).reported(callback);

/** What of a log is asked for at once, in bytes. */
const AT_ONCE = 1_048_576;

/** The `Logs` port over the streams. */
export const logsOf = (env: Env): Logs => ({
	async bytes(run_id, { stream, range }) {
		const log = env.RUN_STREAM.getByName(String(run_id));
		const { total } = await log.logBytes(stream, 0, 0);
		const { start, end } = part(range, total);
		let at = start;
		// Piece by piece as the reader takes them: no log is ever whole in memory, and no object keeps a reader in mind.
		const body = new ReadableStream<Uint8Array>({
			async pull(controller) {
				if (at >= end) return controller.close();
				const { bytes } = await log.logBytes(stream, at, Math.min(AT_ONCE, end - at));
				if (bytes.length === 0) return controller.error(new Error(`the log of run ${String(run_id)} is not whole`));
				at += bytes.length;
				controller.enqueue(bytes);
			},
		});
		return { body, start, end, total };
	},
	async lines(run_id, { from, count }) {
		return env.RUN_STREAM.getByName(String(run_id)).logLines(from, count);
	},
	async search(run_id, query) {
		return env.RUN_STREAM.getByName(String(run_id)).logSearch(query);
	},
	async frames(run_id, from) {
		return env.RUN_STREAM.getByName(String(run_id)).logFrames(from, AT_ONCE);
	},
	async bring(run_id, import_id, from, frames) {
		return env.RUN_STREAM.getByName(String(run_id)).bringLog(import_id, from, frames);
	},
});

/** Where a range lies in a log of `total` bytes; behind its end it is empty, at the end. */
function part(range: LogRange | null, total: number): { start: number; end: number } {
	if (range === null) return { start: 0, end: total };
	if ('last' in range) return { start: Math.max(0, total - range.last), end: total };
	const end = Math.min(range.to ?? total, total);
	return range.from < end ? { start: range.from, end } : { start: total, end: total };
}
