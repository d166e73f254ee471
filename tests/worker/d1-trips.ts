import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { z } from 'zod';
import { app } from '#worker/app.ts';
import { ORIGIN } from './api-world.ts';

/** What a refusal for an old version tells: the row as it is. */
const Current = z.object({ current: z.object({ version: z.number() }) });

/** How often a request goes to D1 before it is answered: a batch is once. And the end of what it does after its answer. */
export async function answered(
	who: { cookie: string },
	method: string,
	path: string,
	body?: object,
	headers: Record<string, string> = {},
) {
	let trips = 0;
	const counted = <R>(work: () => Promise<R>): Promise<R> => {
		trips++;
		return work();
	};
	const statement = (it: D1PreparedStatement): D1PreparedStatement =>
		new Proxy(it, {
			get(target, name) {
				if (name === 'bind') return (...values: unknown[]) => statement(target.bind(...values));
				if (name === 'all') return () => counted(() => target.all());
				if (name === 'raw') return () => counted(() => target.raw());
				if (name === 'run') return () => counted(() => target.run());
				if (name === 'original') return target;
				return Reflect.get(target, name) as unknown;
			},
		});
	const DB = new Proxy(env.DB, {
		get(target, name) {
			if (name === 'prepare') return (sql: string) => statement(target.prepare(sql));
			if (name === 'batch')
				return (all: D1PreparedStatement[]) =>
					counted(() => target.batch(all.map((one) => Reflect.get(one, 'original') as D1PreparedStatement)));
			return Reflect.get(target, name) as unknown;
		},
	});
	const execution = createExecutionContext();
	const response = await app.fetch(
		new Request(`${ORIGIN}${path}`, {
			method,
			headers: { cookie: who.cookie, origin: ORIGIN, 'content-type': 'application/json', ...headers },
			...(body && { body: JSON.stringify(body) }),
		}),
		{ ...env, DB },
		execution,
	);
	const before = trips;
	const settled = waitOnExecutionContext(execution);
	const said = response.status === 412 ? Current.parse(await response.json()) : { current: { version: 1 } };
	return { status: response.status, trips: before, version: said.current.version, settled };
}

/** The same, when all is done. */
export async function roundTrips(...asked: Parameters<typeof answered>) {
	const { status, trips, settled } = await answered(...asked);
	await settled;
	return { status, trips };
}
