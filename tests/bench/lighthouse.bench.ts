// Lighthouse's figure for performance, of the local build: the sign-in page and the home page, on a wide screen (where it must
// reach the bar) and as a slow phone on a slow network. Lighthouse is fetched when this runs: it is larger than everything uHub needs.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { chromium } from '../../scripts/lib/chromium.mjs';
import { Api } from '../support/api.ts';
import { startHub } from '../support/hub.ts';
import { median, report } from './measure.ts';

const LIGHTHOUSE = 'lighthouse@13.5.0';
const ROUNDS = 3;
const BAR = 95;
/** It sometimes misses the beginning of a page, and says so. */
const ATTEMPTS = 4;

const Result = z.object({
	runtimeError: z.object({ code: z.string() }).optional(),
	categories: z.object({ performance: z.object({ score: z.number().nullable() }) }),
	environment: z.object({ benchmarkIndex: z.number() }),
});

const run = promisify(execFile);
const lighthouse = (...args: string[]) =>
	run('npm', ['exec', '--yes', `--package=${LIGHTHOUSE}`, '--', 'lighthouse', ...args], {
		env: { ...process.env, CHROME_PATH: chromium() },
		maxBuffer: 64 * 1024 * 1024,
	});

/** From 0 to 100, and how fast Lighthouse found this machine just then: below 1500 the figures of a phone mean little. */
async function score(url: string, ...args: string[]): Promise<{ score: number; machine: number }> {
	for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
		const { stdout } = await lighthouse(
			url,
			'--only-categories=performance',
			'--output=json',
			'--quiet',
			'--chrome-flags=--headless=new --no-sandbox --disable-background-networking',
			...args,
		).catch((error: unknown) => ({ stdout: z.object({ stdout: z.string() }).parse(error).stdout }));
		const result = Result.safeParse(JSON.parse(stdout || 'null'));
		const { score } = result.data?.categories.performance ?? {};
		if (result.data && !result.data.runtimeError && typeof score === 'number')
			return { score: Math.round(score * 100), machine: result.data.environment.benchmarkIndex };
	}
	throw new Error(`Lighthouse measured nothing in ${String(ATTEMPTS)} attempts at ${url}`);
}

async function measure(): Promise<void> {
	const hub = await startHub({ agent: false });
	try {
		const { cookie } = await Api.signIn(hub.url, 'admin', hub.password);
		const signedIn = `--extra-headers=${JSON.stringify({ cookie })}`;
		for (const [page, address, ...how] of [
			['sign-in', '/sign-in'],
			['home', '/', signedIn],
		] as const)
			for (const [screen, bar, ...form] of [
				['wide', BAR, '--preset=desktop'],
				['slow phone', 0],
			] as const) {
				const found = [];
				for (let round = 0; round < ROUNDS; round++) found.push(await score(hub.url + address, ...how, ...form));
				const points = median(found.map((one) => one.score));
				const machine = Math.round(median(found.map((one) => one.machine)));
				report(
					`13 Lighthouse, ${page}, ${screen}`,
					`${String(points)} (machine ${String(machine)})`,
					bar === 0 ? 'none' : `≥ ${String(bar)}`,
					points >= bar,
				);
			}
	} finally {
		await hub.stop();
	}
}

try {
	await lighthouse('--version');
} catch (error) {
	console.error(
		`Not measured: ${LIGHTHOUSE} cannot be fetched from the registry, or does not start here.\n${String(error)}`,
	);
	process.exit(1);
}
await measure();
