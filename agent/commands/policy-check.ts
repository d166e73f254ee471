import { homeAt } from '../config.ts';
import { sayDocker } from '../policy/docker.ts';
import { sayK8s } from '../policy/k8s.ts';
import { sayMail } from '../policy/mail.ts';
import { type Policy, readPolicy } from '../policy/index.ts';
import { saySsh } from '../policy/ssh.ts';
import { sayWebhook } from '../policy/webhook.ts';

/** Reads a policy and says in words what it allows. Throws `Failure` that names what is wrong with it. */
export async function policyCheck(options: { file?: string | undefined; home?: string | undefined }): Promise<void> {
	const file = options.file ?? homeAt(options.home).policy;
	const policy = await readPolicy(file);
	console.log(`${file} is valid. It allows:`);
	for (const line of sayPolicy(policy)) console.log(`  ${line}`);
}

const list = (items: readonly (string | number)[]): string => (items.length === 0 ? 'none' : items.join(', '));

/** What a policy allows, a line per rule. */
export function sayPolicy(policy: Policy): string[] {
	const sources = [
		...(policy.scripts.uploaded ? ['uploaded'] : []),
		...(policy.scripts.data_root === null ? [] : [`under ${policy.scripts.data_root}`]),
		...(policy.git ? [`repositories of ${policy.git.hosts.join(', ')}`] : []),
	];
	return [
		`projects: ${policy.projects === 'all' ? 'all' : list(policy.projects)}`,
		`backends: ${list(policy.backends)}`,
		`tools: ${list(policy.tools)}`,
		`scripts: ${list(sources)}`,
		...saySsh(policy.ssh),
		`working directories: ${list(policy.cwd)}`,
		`variables: ${list(policy.env)}`,
		...Object.entries(policy.secrets).map(([id, refs]) => `secrets of project ${id}: ${list(refs)}`),
		...sayDocker(policy.docker),
		...sayK8s(policy.k8s),
		...sayWebhook(policy.webhook),
		...sayMail(policy.mail),
		...(policy.vault ? [`vault: ${policy.vault.address}`] : []),
		...(policy.signatures
			? [
					`${policy.signatures.required ? 'only signed jobs' : 'signed jobs are checked'}, by ${String(policy.signatures.keys.length)} keys`,
				]
			: []),
		`at most ${String(policy.limits.timeout_s)} s per run`,
		policy.run_as ? `jobs run as uid ${String(policy.run_as.uid)}` : "jobs run as the agent's own user",
	];
}
