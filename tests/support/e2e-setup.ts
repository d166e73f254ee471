// One hub for the browser’s tests of one process. Tests find it in UHUB_E2E_URL, its accounts' password in UHUB_E2E_PASSWORD.
import { startHub } from './hub.ts';

export default async function setup(): Promise<() => Promise<void>> {
	// Where tests have servers of their own.
	// A provider of mails that never answers: what is not sent is shown.
	const mail = { UHUB_MAIL_URL: 'http://127.0.0.1:9/', UHUB_MAIL_KEY: 'k', UHUB_MAIL_FROM: 'uHub <hub@example.org>' };
	const hub = await startHub({ env: { UHUB_WEBHOOK_NETWORKS: '127.0.0.1/32', ...mail } });
	process.env.UHUB_E2E_URL = hub.url;
	process.env.UHUB_E2E_PASSWORD = hub.password;
	return async () => {
		await hub.stop();
	};
}
