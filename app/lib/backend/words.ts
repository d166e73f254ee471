import type { ExecutionBackend } from '#domain/backend.ts';
import type { Words } from '#lib/i18n/words.ts';
import { m } from '#lib/paraglide/messages.js';
import { fieldMessage } from '#lib/ui/field-message.ts';

export const backendName: Words<ExecutionBackend> = {
	local: m.backend_local,
	docker: m.backend_docker,
	ssh: m.backend_ssh,
	k8s: m.backend_k8s,
	webhook: m.backend_webhook,
	serverless: m.backend_serverless,
};

interface Said {
	label: () => string;
	hint?: () => string;
}

/** What a key of a configuration is called, by `backend.path` or, where all backends mean the same by it, by its path. */
const fields: Record<string, Said> = {
	cwd: { label: m.backend_cwd, hint: m.backend_cwd_hint },
	env: { label: m.backend_env },
	'limits.cpus': { label: m.backend_cpus },
	'limits.memory_mib': { label: m.backend_memory },
	'limits.pids': { label: m.backend_pids },
	image: { label: m.backend_image, hint: m.backend_image_hint },
	cpus: { label: m.backend_cpus },
	memory_mib: { label: m.backend_memory },
	pids: { label: m.backend_pids },
	network: { label: m.backend_network },
	user: { label: m.backend_user, hint: m.backend_user_hint },
	writable_root: { label: m.backend_writable_root },
	hosts: { label: m.backend_hosts, hint: m.backend_hosts_hint },
	'ssh.user': { label: m.backend_account },
	port: { label: m.backend_port },
	key_ref: { label: m.backend_key, hint: m.secret_place_hint },
	passphrase_ref: { label: m.backend_passphrase, hint: m.secret_place_hint },
	'jump.host': { label: m.backend_jump },
	'jump.user': { label: m.backend_jump_user },
	'jump.port': { label: m.backend_jump_port },
	parallel: { label: m.backend_parallel },
	cluster: { label: m.backend_cluster, hint: m.backend_cluster_hint },
	namespace: { label: m.backend_namespace },
	'requests.cpu': { label: m.backend_requests_cpu, hint: m.backend_cpu_hint },
	'requests.memory': { label: m.backend_requests_memory, hint: m.backend_memory_hint },
	'limits.cpu': { label: m.backend_limits_cpu, hint: m.backend_cpu_hint },
	'limits.memory': { label: m.backend_limits_memory, hint: m.backend_memory_hint },
	url: { label: m.repo_url, hint: m.backend_url_hint },
	method: { label: m.backend_method },
	headers: { label: m.backend_headers, hint: m.backend_headers_hint },
	'webhook.secret_ref': { label: m.backend_secret, hint: m.backend_webhook_key_hint },
	via: { label: m.backend_via, hint: m.backend_via_hint },
	'serverless.secret_ref': { label: m.backend_secret, hint: m.backend_serverless_key_hint },
	expected_status: { label: m.backend_expected_status, hint: m.backend_expected_status_hint },
	timeout_s: { label: m.backend_timeout },
	provider: { label: m.backend_provider },
	callback: { label: m.backend_callback },
};

/** Null where a key has no words yet: it is then shown by its own name. */
export const fieldWords = (backend: ExecutionBackend, path: string): Said | null =>
	fields[`${backend}.${path}`] ?? fields[path] ?? null;

/** The choices that people call by a name of their own; the others are shown as they are. */
const choices: Record<string, () => string> = {
	'network.none': m.backend_network_none,
	'network.bridge': m.backend_network_bridge,
	'via.hub': m.the_hub_itself,
	'via.agent': m.backend_via_agent,
	'provider.workers': () => 'Cloudflare Workers',
	'provider.knative': () => 'Knative',
	'provider.lambda': () => 'AWS Lambda',
	'provider.other': m.event_other,
};
export const choiceName = (path: string, option: string): string => choices[`${path}.${option}`]?.() ?? option;

/** What the schemas of the configurations say to programs, for people. */
const known: [RegExp, () => string][] = [
	[/^Invalid input: expected (number|int)/, m.backend_wrong_number],
	[/^is there twice|^names a host twice/, m.backend_wrong_twice],
	[/^expected an absolute path/, m.backend_wrong_path],
	[/^expected an image/, m.backend_wrong_image],
	[/^expected a user as/, m.backend_user_hint],
	[/^expected a host's name/, m.backend_wrong_host],
	[/^expected the name of an account/, m.backend_wrong_account],
	[/^expected a share/, m.backend_cpu_hint],
	[/^expected an amount/, m.backend_memory_hint],
	[/^expected a namespace/, m.backend_wrong_namespace],
	[/^expected the name of a header/, m.backend_wrong_header],
	[/^expected the address of a function/, m.backend_lambda_hint],
	[/^expected hub:NAME/, m.backend_hub_key_hint],
	[/^is set by the hub/, m.backend_wrong_own_header],
	[/^expected visible ASCII/, m.backend_wrong_header_value],
	[/^must not lead to a private/, m.backend_wrong_private],
	[/^expected a variable name/, m.backend_wrong_variable],
];
export const backendMessage = (message: string): string =>
	known.find(([test]) => test.test(message))?.[1]() ?? fieldMessage(message);
