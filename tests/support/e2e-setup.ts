// One hub for the whole end-to-end suite. Tests find it in UHUB_E2E_URL, its accounts' password in UHUB_E2E_PASSWORD.
import { startHub } from './hub.ts';

export default async function setup(): Promise<() => Promise<void>> {
	const hub = await startHub();
	process.env.UHUB_E2E_URL = hub.url;
	process.env.UHUB_E2E_PASSWORD = hub.password;
	return async () => {
		await hub.stop();
	};
}
