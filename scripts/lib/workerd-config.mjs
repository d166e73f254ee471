// Writes the configuration `workerd serve` reads: the hub's Worker, its objects on disk, D1 and R2 as small
// Workers beside it, the app's files, the clock. Text rather than a binary message, so that a person can read
// what their hub is allowed to reach. docs/adr/0002-local-launcher.md says why each part is the way it is.

/**
 * @typedef {object} HubConfig
 * @property {string} publicAddress where the hub listens, `host:port`
 * @property {string} controlSocket path of the unix socket only this launcher talks to
 * @property {string} hubModule the bundled Worker
 * @property {string} assetsModule the Worker that serves the app's files
 * @property {string} assetsManifest JSON made by the build: what files there are
 * @property {string} assetsDir
 * @property {string} miniflareDir where miniflare keeps its simulators' source
 * @property {string} dataDir
 * @property {string} version
 * @property {string} compatibilityDate
 * @property {{binding: string, className: string}[]} objects
 * @property {string[]} crons
 * @property {string} url where the hub is reached from outside
 * @property {string[]} webhookNetworks networks of one's own that webhooks may reach
 * @property {string[]} variables names of those that the hub itself reads; their values stay in the environment
 */

/** A Cap'n Proto text literal. JSON's escapes are all valid there, except \u. */
export const text = (/** @type {string} */ value) =>
	JSON.stringify(value).replace(/\\u00([0-9a-f]{2})/g, (_, hex) => `\\x${hex}`);

// A client must not be able to say who or where it is: the address comes from the connection.
const FORGEABLE = [
	'CF-Connecting-IP',
	'X-Forwarded-For',
	'X-Forwarded-Proto',
	'X-Forwarded-Host',
	'X-Real-IP',
	'True-Client-IP',
	'Forwarded',
];

// V8 lets each isolate's heap grow to 256 MB before it collects in earnest; there are five, and the hub is a guest on
// somebody's machine. Measured: a third of the memory, the same speed.
const V8_FLAGS = ['--initial-old-space-size=8', '--max-semi-space-size=2'];

// An identity provider may be at home: on this machine or beside it. Only sign-in is handed this way out, and only to
// where the operator's own setting leads.
const OIDC_NETWORK = `\t\t(name = "oidc-network", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),\n`;
const hasProvider = (/** @type {HubConfig} */ c) => c.variables.includes('UHUB_OIDC_ISSUER');

// Webhooks are addressed by people who are no admins: workerd looks at the address a name resolved to, when it connects, and
// goes nowhere but to the internet and where the admin allows.
const webhookNetwork = (/** @type {HubConfig} */ c) =>
	c.webhookNetworks.length === 0
		? ''
		: `\t\t(name = "webhook-network", network = (allow = [${['public', ...c.webhookNetworks].map(text).join(', ')}], tlsOptions = (trustBrowserCas = true))),\n`;
const webhookBindings = (/** @type {HubConfig} */ c) =>
	c.webhookNetworks.length === 0
		? ''
		: `\t\t(name = "WEBHOOK_NETWORK", service = "webhook-network"),\n\t\t(name = "UHUB_WEBHOOK_NETWORKS", text = ${text(c.webhookNetworks.join(' '))}),\n`;

/** @param {HubConfig} c */
export function workerdConfig(c) {
	const stripped = FORGEABLE.map((name) => `(name = ${text(name)})`).join(', ');
	return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
	v8Flags = [${V8_FLAGS.map(text).join(', ')}],
	sockets = [
		(name = "public", address = ${text(c.publicAddress)}, http = (injectRequestHeaders = [${stripped}]), service = "hub"),
		(name = "control", address = ${text(`unix:${c.controlSocket}`)}, http = (), service = (name = "hub", entrypoint = "LocalControl")),
	],
	services = [
		(name = "internet", network = (allow = ["public"], tlsOptions = (trustBrowserCas = true))),
${hasProvider(c) ? OIDC_NETWORK : ''}${webhookNetwork(c)}		(name = "hub", worker = .hub),
		(name = "hub-disk", disk = (path = ${text(`${c.dataDir}/objects`)}, writable = true)),
		(name = "d1", worker = .d1),
		(name = "d1-disk", disk = (path = ${text(`${c.dataDir}/d1`)}, writable = true)),
		(name = "r2", worker = .r2),
		(name = "r2-objects", worker = .r2Objects),
		(name = "r2-disk", disk = (path = ${text(`${c.dataDir}/r2`)}, writable = true)),
		(name = "assets", worker = .assets),
		(name = "assets-disk", disk = (path = ${text(c.assetsDir)}, allowDotfiles = false)),
		(name = "cron", worker = .cron),
		(name = "cron-disk", disk = (path = ${text(`${c.dataDir}/cron`)}, writable = true)),
	],
	extensions = [(modules = [
		(name = "miniflare:shared", esModule = embed ${text(`${c.miniflareDir}/shared/index.worker.js`)}),
		(name = "miniflare:zod", esModule = embed ${text(`${c.miniflareDir}/shared/zod.worker.js`)}),
	])],
);

const hub :Workerd.Worker = (
	modules = [(name = "hub.js", esModule = embed ${text(c.hubModule)})],
	compatibilityDate = ${text(c.compatibilityDate)},
	# D1 by a call instead of a request with JSON in it: a quarter more statements a second.
	compatibilityFlags = ["d1_binding_jsrpc", "no_web_socket_compression"],
	bindings = [
		(name = "DB", wrapped = (moduleName = "cloudflare-internal:d1-api", innerBindings = [
			(name = "fetcher", service = (name = "d1", props = (json = ${text('{"database":"uhub"}')}))),
		])),
		(name = "STORE", r2Bucket = (name = "r2", props = (json = ${text('{"MINIFLARE_NAMESPACE":"uhub-store"}')}))),
		(name = "ASSETS", service = "assets"),
		(name = "UHUB_VERSION", text = ${text(c.version)}),
		(name = "UHUB_LOCAL", text = "1"),
		(name = "UHUB_PUBLIC_URL", text = ${text(c.url)}),
		(name = "UHUB_SECRET", fromEnvironment = "UHUB_SECRET"),
${c.variables.map((name) => `\t\t(name = ${text(name)}, fromEnvironment = ${text(name)}),\n`).join('')}${hasProvider(c) ? '\t\t(name = "OIDC_NETWORK", service = "oidc-network"),\n' : ''}${webhookBindings(c)}${c.objects.map(({ binding, className }) => `\t\t(name = ${text(binding)}, durableObjectNamespace = ${text(className)}),`).join('\n')}
	],
	durableObjectNamespaces = [
${c.objects.map(({ className }) => `\t\t(className = ${text(className)}, uniqueKey = ${text(`uhub-${className}`)}, enableSql = true),`).join('\n')}
	],
	durableObjectStorage = (localDisk = "hub-disk"),
);

const d1 :Workerd.Worker = (
	modules = [(name = "d1.js", bundled = "/workerd/d1.js")],
	compatibilityDate = ${text(c.compatibilityDate)},
	bindings = [(name = "DATABASE", durableObjectNamespace = "D1Database")],
	durableObjectNamespaces = [(className = "D1Database", uniqueKey = "uhub-d1", enableSql = true)],
	durableObjectStorage = (localDisk = "d1-disk"),
);

const r2 :Workerd.Worker = (
	modules = [(name = "object-entry.js", esModule = embed ${text(`${c.miniflareDir}/shared/object-entry.worker.js`)})],
	compatibilityDate = "2023-07-24",
	bindings = [(name = "MINIFLARE_OBJECT", durableObjectNamespace = (className = "R2BucketObject", serviceName = "r2-objects"))],
);

const r2Objects :Workerd.Worker = (
	modules = [(name = "bucket.js", esModule = embed ${text(`${c.miniflareDir}/r2/bucket.worker.js`)})],
	compatibilityDate = "2023-07-24",
	compatibilityFlags = ["nodejs_compat", "experimental"],
	bindings = [(name = "MINIFLARE_BLOBS", service = "r2-disk")],
	durableObjectNamespaces = [(className = "R2BucketObject", uniqueKey = "miniflare-R2BucketObject")],
	durableObjectStorage = (localDisk = "r2-disk"),
);

const assets :Workerd.Worker = (
	modules = [(name = "assets.js", esModule = embed ${text(c.assetsModule)})],
	compatibilityDate = ${text(c.compatibilityDate)},
	bindings = [
		(name = "FILES", service = "assets-disk"),
		(name = "MANIFEST", json = embed ${text(c.assetsManifest)}),
	],
);

const cron :Workerd.Worker = (
	modules = [(name = "cron.js", bundled = "/workerd/cron.js")],
	compatibilityDate = ${text(c.compatibilityDate)},
	compatibilityFlags = ["service_binding_extra_handlers"],
	bindings = [
		(name = "SCHEDULE", durableObjectNamespace = "Schedule"),
		(name = "CRONS", json = ${text(JSON.stringify({ HUB: c.crons }))}),
		(name = "HUB", service = "hub"),
	],
	durableObjectNamespaces = [(className = "Schedule", uniqueKey = "uhub-cron", enableSql = true)],
	durableObjectStorage = (localDisk = "cron-disk"),
);
`;
}
