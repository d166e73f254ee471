// The Miniflare side of ../launcher.mjs.
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare';

const [worker, files, data] = process.argv.slice(2);
const address = { host: '127.0.0.1', port: Number(process.env.PORT) };
const hub = new Miniflare({
	...convertV4MiniflareOptions({
		log: new Log(LogLevel.ERROR),
		...(process.env.DIRECT ? {} : address),
		cf: false,
		workers: [
			{
				name: 'bench',
				modules: true,
				scriptPath: worker,
				compatibilityDate: '2026-11-01',
				d1Databases: { DB: 'uhub' },
				r2Buckets: { STORE: 'uhub-store' },
				durableObjects: { PROBE: { className: 'Probe', useSQLite: true } },
				assets: {
					directory: files,
					binding: 'ASSETS',
					routerConfig: { has_user_worker: true, invoke_user_worker_ahead_of_assets: true },
					assetConfig: { not_found_handling: 'single-page-application' },
				},
				...(process.env.DIRECT ? { unsafeDirectSockets: [address] } : {}),
			},
		],
	}),
	resourcePersistencePath: data,
});
await hub.ready;
