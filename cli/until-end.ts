import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { ApiError } from '#client/api-error.ts';
import { backoff, VIEWER_PATIENCE } from '#protocol/backoff.ts';
import { type Frame, Stream } from '#protocol/run-frames.ts';
import { flag } from './args.ts';
import type { Interrupt, Tools } from './command.ts';
import { Exit, Failure, usage } from './failure.ts';
import type { Hub } from './hub.ts';
import { exitOf, isOver, outcome } from './outcome.ts';
import { jsonText } from './output.ts';
import { Run } from './rows.ts';
import { followRun, GIVE_UP_MS, type Listener } from './run-socket.ts';
import { SgrOnly } from './sgr-only.ts';
import { written } from './written.ts';

/** Taken by what waits for the end of a run. */
export const waitOptions = {
	'cancel-on-interrupt': flag('Ctrl-C cancels the run instead of leaving it (a second one leaves)'),
	raw: flag('the bytes of the log as they are; not onto a terminal'),
};

interface How {
	follow: boolean;
	raw: boolean;
	cancelOnInterrupt: boolean;
}

const GapTold = z.object({ dropped: z.int(), reason: z.string() });

/** Waits for the end of a run, with its log or without; answers the exit code that its outcome means. */
export async function untilEnd(hub: Hub, run_id: number, how: How, tools: Tools): Promise<number> {
	const { out } = tools;
	if (how.raw && (out.json || tools.stdout.isTTY))
		throw usage('--raw is for a file or a pipe, and not for --json: escapes in a log could take a terminal over.');
	const leave = new AbortController();
	let canceling = !how.cancelOnInterrupt;
	const stopListening = tools.onInterrupt((signal) => {
		if (canceling) {
			leave.abort(interrupted(run_id, signal));
			return;
		}
		canceling = true;
		out.note(`Canceling run ${String(run_id)}. Once more, and it is left to itself.`);
		hub.api.post(`/runs/${String(run_id)}/cancel`, {}, Run).catch((error: unknown) => {
			leave.abort(error);
		});
	});
	try {
		const run = how.follow
			? await withLog(hub, run_id, how.raw, tools, leave.signal)
			: await quietly(hub, run_id, leave.signal);
		if (out.json && !how.follow) out.show(run, () => '');
		if (!out.json) out.note(outcome(run));
		return exitOf(run);
	} finally {
		stopListening();
	}
}

const interrupted = (run_id: number, signal: Interrupt) =>
	new Failure(
		`Run ${String(run_id)} goes on. Follow it again: uhub follow ${String(run_id)}. Stop it: uhub runs cancel ${String(run_id)}`,
		signal === 'SIGINT' ? Exit.interrupted : Exit.terminated,
	);

/** Asks for the end again and again; each request waits at the hub for half a minute. */
async function quietly(hub: Hub, run_id: number, stop: AbortSignal): Promise<Run> {
	let heard = performance.now();
	for (let attempt = 0; ; attempt++) {
		try {
			const run = await hub.api.get(`/runs/${String(run_id)}`, Run, { query: { wait: 30 }, signal: stop });
			if (isOver(run)) return run;
			attempt = 0;
			heard = performance.now();
		} catch (error) {
			stop.throwIfAborted();
			const away = error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500);
			if (!away || performance.now() - heard > GIVE_UP_MS) throw error;
			await pause(backoff(attempt, Math.random(), VIEWER_PATIENCE), undefined, { signal: stop }).catch(() => undefined);
		}
		stop.throwIfAborted();
	}
}

async function withLog(hub: Hub, run_id: number, raw: boolean, tools: Tools, stop: AbortSignal): Promise<Run> {
	const listener = tools.out.json ? asJson(tools) : asText(tools, raw);
	try {
		return await followRun(hub, run_id, listener, stop);
	} finally {
		await listener.end();
	}
}

type Telling = Listener & { end(): Promise<void> };

/** What one run wrote, onto this process's own standard output and error. */
function asText(tools: Tools, raw: boolean): Telling {
	const { env, stdout, stderr, out } = tools;
	const lanes = [stdout, stderr].map((stream) => ({ stream, filter: new SgrOnly(!env['NO_COLOR']), midLine: false }));
	let waiting = '';
	const laneOf = ({ stream }: Frame) => lanes[stream === Stream.stderr ? 1 : 0];
	return {
		log: async (frame) => {
			const lane = laneOf(frame);
			if (!lane) return;
			const text = raw ? frame.payload : lane.filter.push(frame.payload);
			if (text.length > 0) lane.midLine = text.at(-1) !== '\n' && text.at(-1) !== 10;
			await written(lane.stream, text);
		},
		gap: (frame) => {
			out.note(gapText(frame));
			return Promise.resolve();
		},
		run: ({ id, status, reason }) => {
			const why = status === 'queued' ? (reason?.message ?? '') : '';
			if (why !== '' && why !== waiting) out.note(`Run ${String(id)} waits. ${why}`);
			waiting = why;
		},
		cut: (why) => {
			out.note(`The connection was lost (${why}); trying again.`);
		},
		end: async () => {
			for (const { stream, filter, midLine } of lanes)
				if (!raw) await written(stream, filter.end() + (midLine && stream.isTTY ? '\n' : ''));
		},
	};
}

/** The same as lines of JSON, for programs. */
function asJson(tools: Tools): Telling {
	const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
	const line = (value: unknown) => written(tools.stdout, `${jsonText(value)}\n`);
	return {
		log: ({ stream: number, offset, t_ms, payload }) => {
			const stream = number === Stream.stderr ? 'stderr' : 'stdout';
			const text = decoders[stream].decode(payload, { stream: true });
			return line({ type: 'log', stream, offset, at: new Date(t_ms).toISOString(), text });
		},
		gap: (frame) => line({ type: 'gap', offset: frame.offset, ...gapOf(frame) }),
		run: (run) => {
			tools.out.line({ type: 'run', run });
		},
		cut: (why) => {
			tools.out.note(`The connection was lost (${why}); trying again.`);
		},
		end: () => Promise.resolve(),
	};
}

const gapOf = ({ payload }: Frame) => GapTold.parse(JSON.parse(new TextDecoder().decode(payload)));

function gapText(frame: Frame): string {
	const { dropped, reason } = gapOf(frame);
	return `[${String(dropped)} bytes are missing here: ${reason}]`;
}
