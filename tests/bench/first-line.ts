import WebSocket from 'ws';
import { Kind } from '#protocol/run-frames.ts';
import type { Api } from '../support/api.ts';

/** Milliseconds from the request to the first frame of log at a viewer who opens the run as soon as it exists; and the run, which goes on. */
export async function firstLine(api: Api, job_id: number): Promise<{ took: number; run_id: number }> {
	const clicked = performance.now();
	const run_id = await api.run(job_id);
	const ws = new WebSocket(`${api.url.replace('http', 'ws')}/live/runs/${String(run_id)}?from=0`, {
		headers: { cookie: api.cookie, origin: api.url },
	});
	const took = await new Promise<number>((resolve, reject) => {
		ws.on('message', (data: Buffer) => {
			if (data[0] === Kind.log) resolve(performance.now() - clicked);
		});
		ws.on('error', reject);
		ws.on('close', () => {
			reject(new Error(`run ${String(run_id)} ended without a line`));
		});
	});
	ws.terminate();
	return { took, run_id };
}
