// What the environment asks for, checked before anything is touched.
import net from 'node:net';
import path from 'node:path';
import { Failure } from './failure.mjs';

/**
 * @typedef {object} Settings
 * @property {string} host
 * @property {number} port 0 means any free port
 * @property {string} dataDir absolute
 * @property {boolean} demo
 * @property {boolean} agent whether a local agent comes with the demo
 * @property {string | null} demoPassword
 * @property {string | null} url where the hub is reached from outside; null: where it listens
 * @property {string[]} webhookNetworks networks of one's own that webhooks may reach
 * @property {Record<string, string>} variables how people sign in and how mails leave, by the names of the hub's own variables; the hub reads them
 */

/** Where npm has a Node of its own to run the tools with, an older one will do to begin with. */
const OLDEST_BESIDE_ANOTHER = [20, 0];
/** Elsewhere it runs the tools itself. */
const OLDEST = [22, 17];

/** What the hub takes of the environment (worker/services/oidc/settings.ts). */
export const SIGN_IN_NAMES = [
	'UHUB_PASSWORD_SIGN_IN',
	'UHUB_OIDC_ISSUER',
	'UHUB_OIDC_CLIENT_ID',
	'UHUB_OIDC_CLIENT_SECRET',
	'UHUB_OIDC_SCOPES',
	'UHUB_OIDC_LABEL',
	'UHUB_OIDC_ROLE_CLAIM',
	'UHUB_OIDC_ROLES',
	'UHUB_OIDC_DEFAULT_ROLE',
	'UHUB_OIDC_CREATE',
];

/** And how mails leave it (worker/services/mails/settings.ts). */
export const MAIL_NAMES = ['UHUB_MAIL_URL', 'UHUB_MAIL_KEY', 'UHUB_MAIL_FROM', 'UHUB_MAIL_TEMPLATE', 'UHUB_MAIL_AGENT'];

/** @param {string} version such as process.versions.node @param {number[]} oldest */
export function isNewEnough(version, [wantedMajor = 0, wantedMinor = 0] = OLDEST) {
	const [major = 0, minor = 0] = version.split('.').map(Number);
	return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/**
 * @param {string} version such as process.versions.node
 * @param {{platform: string, arch: string}} machine
 */
export function checkNode(version, { platform, arch } = process) {
	const oldest = platform === 'linux' && arch === 'x64' ? OLDEST_BESIDE_ANOTHER : OLDEST;
	if (isNewEnough(version, oldest)) return;
	throw new Failure(
		`uHub needs Node.js ${oldest.join('.')} or newer on this machine (${platform} on ${arch}), and this is ${version}.`,
	);
}

/** @param {string} host */
export function isLoopback(host) {
	return host === 'localhost' || host === '::1' || (net.isIPv4(host) && host.startsWith('127.'));
}

/** @param {string} text */
function isNetwork(text) {
	const [address = '', bits = '', more] = text.split('/');
	const family = net.isIP(address);
	return family > 0 && more === undefined && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}

/** The address as part of a URL. @param {string} host @param {number} port */
export const urlOf = (host, port) => `http://${net.isIPv6(host) ? `[${host}]` : host}:${port}`;

/** Where programs on this machine reach a hub that listens on `host`. @param {string} host @param {number} port */
export function localUrlOf(host, port) {
	if (host === '0.0.0.0') return urlOf('127.0.0.1', port);
	return urlOf(host === '::' ? '::1' : host, port);
}

/** @param {Record<string, string | undefined>} env @param {string} root the checkout @returns {Settings} */
export function readSettings(env, root) {
	const host = env.HOST || '127.0.0.1';
	if (!net.isIP(host) && !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(host))
		throw new Failure(`HOST must be an address or a host name, and "${host}" is neither.`);

	const port = env.PORT || '8787';
	if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
		throw new Failure(`PORT must be a number from 0 to 65535, and "${port}" is not.`);

	const { UHUB_DEMO: demo = '', UHUB_DEMO_PASSWORD: password = '' } = env;
	if (!['', '0', '1'].includes(demo)) throw new Failure(`UHUB_DEMO must be 0 or 1, and "${demo}" is neither.`);
	if (password && demo === '0')
		throw new Failure(
			'UHUB_DEMO_PASSWORD has no meaning with UHUB_DEMO=0: there are no demo accounts. Unset one of them.',
		);
	if (password && !isLoopback(host))
		throw new Failure(
			`UHUB_DEMO_PASSWORD is refused when HOST (${host}) is not loopback: anybody on the network who knows it would be an ` +
				'admin. Unset it to get a random one, or set UHUB_DEMO=0 to have no demo accounts.',
		);
	if (password && password.length < 8) throw new Failure('UHUB_DEMO_PASSWORD must have at least 8 characters.');

	const names = [...SIGN_IN_NAMES, ...MAIL_NAMES];
	const misspelt = Object.keys(env).find((name) => /^UHUB_(OIDC|MAIL)_/.test(name) && !names.includes(name));
	if (misspelt) throw new Failure(`${misspelt} is no setting. There are ${names.join(', ')} (docs/deploy.md).`);
	const variables = Object.fromEntries(
		names.flatMap((name) => (env[name]?.trim() ? [[name, /** @type {string} */ (env[name])]] : [])),
	);

	const webhookNetworks = (env.UHUB_WEBHOOK_NETWORKS ?? '').split(/[\s,]+/).filter(Boolean);
	const noNetwork = webhookNetworks.find((text) => !isNetwork(text));
	if (noNetwork)
		throw new Failure(`UHUB_WEBHOOK_NETWORKS must be networks such as 10.0.0.0/8, and "${noNetwork}" is none.`);

	const { UHUB_PUBLIC_URL: url = '' } = env;
	if (url && (!/^https?:\/\//.test(url) || !URL.canParse(url) || new URL(url).href !== `${new URL(url).origin}/`))
		throw new Failure(
			`UHUB_PUBLIC_URL must be where the hub is reached, such as https://uhub.example.com, and "${url}" is not.`,
		);

	return {
		host,
		port: Number(port),
		dataDir: path.resolve(root, env.UHUB_DATA_DIR || '.uhub'),
		demo: demo !== '0',
		agent: env.UHUB_LOCAL_AGENT !== '0',
		demoPassword: password || null,
		variables,
		webhookNetworks,
		url: url ? new URL(url).origin : null,
	};
}
