import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import type { ToAgent } from '#protocol/agent.ts';
import { Cgroups } from '../cgroup.ts';
import { type Home, homeAt, hubUrl, makeHome, readConfig } from '../config.ts';
import { dummy } from '../executors/dummy.ts';
import { local } from '../executors/local.ts';
import { webhook } from '../executors/webhook/index.ts';
import { Failure, messageOf } from '../failure.ts';
import { abilitiesOf, foundTools, hostReport } from '../health.ts';
import { Journal, keyOf, type Remembered } from '../journal.ts';
import { Key } from '../key.ts';
import { Link } from '../link.ts';
import { takeLock } from '../lock.ts';
import { log } from '../log.ts';
import { Mailer } from '../mail/index.ts';
import { MailLedger } from '../mail/ledger.ts';
import { PastRun } from '../past-run.ts';
import { type Policy, readPolicy } from '../policy/index.ts';
import { nameOf } from '../carrying-out.ts';
import type { Agent, HeldRun } from '../held-run.ts';
import { Scripts } from '../scripts.ts';
import { resolveSecret, SecretFiles } from '../secrets.ts';
import { Ledger } from '../signatures.ts';
import { Budget, sweepSpool } from '../spool.ts';
import { writeStatus } from '../status.ts';
import { Vault } from '../vault.ts';
import { VERSION } from '../version.ts';
import { Worker } from '../worker.ts';
import { removeWorkspaces, workspacesOf } from '../workspace.ts';

const NO_MAILS = Promise.resolve({
	error: 'policy' as const,
	detail: "The agent's policy does not allow mails (mail).",
});
const STOP_WITHIN_MS = 10_000;
const STATUS_EVERY_MS = 1000;
const MIB = 1_048_576;
/** Of the spools' room, the part that one run's flood leaves to the others. */
const SPOOL_KEPT = 1 / 8;

/** Runs the agent until it is told to stop. `hub`: the hub's address where it has moved since the enrolment. */
export async function start(options: { home?: string | undefined; hub?: string | undefined }): Promise<void> {
	const home = homeAt(options.home);
	const config = await readConfig(home);
	await makeHome(home);
	const unlock = takeLock(home.dir);
	try {
		const key = await Key.read(home.key);
		const policy = await readPolicy(home.policy);
		if (policy.run_as && process.getuid?.() !== 0)
			throw new Failure('The policy names another user for its jobs (run_as), and only root can become one.');
		const hub = hubUrl(options.hub ?? config.hub, config.insecure);
		const tools = await foundTools(policy);
		const groups = await Cgroups.open(home.tag);
		const { journal, runs } = await Journal.open(home.journal);
		await mkdir(home.spool, { recursive: true, mode: 0o700 });

		const vault = policy.vault && new Vault(policy.vault);
		const agent: Agent = {
			home,
			policy,
			journal,
			hub: new URL(config.hub).origin,
			ledger: await Ledger.open(home.ledger),
			scripts: new Scripts(home.scripts),
			vault,
			aside: (spawn) => (groups ? groups.aside(spawn) : Promise.resolve(spawn())),
			budget: new Budget(policy.spool.max_mib * MIB, policy.spool.max_mib * MIB * SPOOL_KEPT),
			executors: {
				local: local(groups),
				...(await forDocker(policy, home)),
				...(await forSsh(policy, vault)),
				...(await forK8s(policy, vault)),
				...forWebhook(policy, vault),
				dummy,
			},
			log,
			now: Date.now,
			protocol: () => link.protocol,
			send: (frame) => {
				link.send(frame);
			},
			sendChunk: (chunk) => {
				link.sendBinary(chunk);
			},
		};
		const mailer = await forMails(policy, home, agent.hub);
		const capacity = Math.min(config.capacity, policy.limits.capacity);
		const link = new Link({
			hub,
			agent_id: config.agent_id,
			boot_id: randomBytes(16).toString('hex'),
			key,
			log,
			hello: () => ({
				version: VERSION,
				labels: config.labels,
				capacity,
				abilities: abilitiesOf(policy, tools),
				runs: worker.known(),
			}),
			onMessage: (message) => {
				if (message.type === 'mail') void passOn(message);
				else worker.message(message);
			},
			onBinary: (bytes) => {
				worker.blob(bytes);
			},
			onDown: () => {
				worker.disconnected();
			},
		});
		const passOn = async ({ key, mail }: Extract<ToAgent, { type: 'mail' }>) => {
			const mailed = await (mailer?.pass(key, mail) ?? NO_MAILS).catch((error: unknown) => {
				log(`a mail could not be passed on: ${messageOf(error)}`);
				return { error: 'unreachable' as const, detail: 'a fault in the agent' };
			});
			link.send({ type: 'mailed', key, ...mailed });
		};
		// First the processes of an earlier life, then the files they may still be writing. The link is there by then, and not open yet: what lived on
		// is gone on with at once.
		const past = await Promise.all(runs.map((run) => PastRun.restore(run, agent)));
		await Promise.all([
			removeWorkspaces(workspacesOf(home, policy)),
			SecretFiles.sweep(home.tag, secretsOf(runs, past)),
			sweepSpool(home.spool, new Set(runs.map(keyOf))),
		]);
		const worker = new Worker(agent, { capacity, host: () => hostReport(home.dir, Date.now()), past });
		const living = () => worker.known().filter(({ phase }) => phase === 'accepted' || phase === 'started');
		for (const executor of Object.values(agent.executors))
			void executor
				.sweep?.((name) => living().some((run) => nameOf(home, run) === name))
				.catch((error: unknown) => {
					log(`what is left of earlier runs could not be removed: ${messageOf(error)}`);
				});
		log(`uhub-agent ${VERSION}, key ${key.fingerprint}, home ${home.dir}`);
		link.open();
		let told = '';
		const tellStatus = async () => {
			const now = { pid: process.pid, hub: hub.origin, connected: link.connected, runs: worker.known() };
			if (told === JSON.stringify(now)) return;
			told = JSON.stringify(now);
			await writeStatus(home, { ...now, since: new Date().toISOString() }).catch((error: unknown) => {
				log(`cannot write ${home.status}: ${messageOf(error)}`);
			});
		};
		const telling = setInterval(() => void tellStatus(), STATUS_EVERY_MS);

		const signal = await new Promise<string>((resolve) => {
			for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, resolve);
		});
		log(`${signal}: stopping${worker.active() > 0 ? `, with ${String(worker.active())} runs to end first` : ''}`);
		await worker.stop(STOP_WITHIN_MS);
		clearInterval(telling);
		await Promise.all([link.close(), journal.close(), groups?.close()]);
	} finally {
		unlock();
	}
}

/** Only where it is allowed: its library is the largest part of the agent. */
async function forSsh(policy: Policy, vault: Vault | null): Promise<Agent['executors']> {
	if (!policy.ssh) return {};
	const { ssh } = await import('../executors/ssh/index.ts');
	return { ssh: ssh(policy.ssh, (ref, project_id) => resolveSecret(ref, project_id, policy, vault)) };
}

/** Only where it is allowed, for its library is a large part of the agent. */
async function forDocker({ docker: policy }: Policy, home: Home): Promise<Agent['executors']> {
	if (!policy) return {};
	const { docker } = await import('../executors/docker/index.ts');
	return { docker: docker(policy, home.tag) };
}

/** Only where it is allowed, like the others. */
async function forK8s(policy: Policy, vault: Vault | null): Promise<Agent['executors']> {
	if (!policy.k8s) return {};
	const { k8s } = await import('../executors/k8s/index.ts');
	return { k8s: k8s(policy.k8s, (ref, project_id) => resolveSecret(ref, project_id, policy, vault)) };
}

function forWebhook(policy: Policy, vault: Vault | null): Agent['executors'] {
	if (!policy.webhook) return {};
	return { webhook: webhook(policy.webhook, (ref, project_id) => resolveSecret(ref, project_id, policy, vault)) };
}

/** Only where it is allowed, like the others. */
async function forMails({ mail: policy }: Policy, home: Home, hub: string): Promise<Mailer | null> {
	if (!policy) return null;
	const [{ sendBySmtp }, ledger] = await Promise.all([
		import('../mail/smtp.ts'),
		MailLedger.open(home.mails, Date.now()),
	]);
	return new Mailer({ policy, hub, ledger, send: sendBySmtp, log, now: Date.now });
}

/** Where the secrets lie of runs that are gone on with. */
function secretsOf(runs: readonly Remembered[], past: readonly HeldRun[]): string[] {
	const goneOn = new Set(past.filter(({ active }) => active).map(keyOf));
	return runs.flatMap((run) => (goneOn.has(keyOf(run)) ? (run.started?.handle.outlives?.secrets ?? []) : []));
}
