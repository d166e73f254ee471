import { and, inArray, sql, type SQL } from 'drizzle-orm';
import type { Execution } from '#domain/backend.ts';
import { SshConfig } from '#domain/backend-config.ts';
import type { Job } from '#domain/job.ts';
import { RUN_STEPS_MAX } from '#domain/run-step.ts';
import type { Tool } from '#domain/tool.ts';
import { NoTargets, targetHost, type TargetHost, targetNames } from '#domain/target.ts';
import type { RunSpec } from '#protocol/run-spec.ts';
import { inventories } from '../../db/client.ts';
import type { Ctx } from '../context.ts';

/** For a batch: the inventories of the targets of jobs of one project, where they have any and these are there still. */
export const targetsQuery = (ctx: Ctx, job_ids: SQL) =>
	ctx.db
		.select({
			id: inventories.id,
			sha256: inventories.sha256,
			size: inventories.size,
			format: inventories.format,
			groups_json: inventories.groups_json,
		})
		.from(inventories)
		.where(
			and(
				inArray(inventories.id, sql`(select json_extract(targets, '$.inventory_id') from jobs where id in ${job_ids})`),
				inArray(inventories.project_id, sql`(select project_id from jobs where id in ${job_ids})`),
			),
		);
type InventoryRow = Awaited<ReturnType<typeof targetsQuery>>[number];

interface Aimed {
	job: Pick<Job, 'targets'>;
	execution: Execution;
	/** Of each of its scripts. */
	tools: readonly Tool[];
	inventory: InventoryRow | undefined;
	/** The hosts that were chosen; null: all of them. */
	chosen: readonly string[] | null;
}

/** A run's share of its spec that comes of its job's targets. */
export type Aim = Pick<RunSpec, 'inventory' | 'hosts'> & {
	/** The hosts of an ssh configuration; null where it is not for ssh. */
	ssh: TargetHost[] | null;
};

/** A host was chosen that is none of the targets. */
export class NotATarget extends NoTargets {}

/** What a run is aimed at. Pure; asked when the run is asked for, and again when it is handed to an agent. Throws `NoTargets`. */
export function aimOf({ job, execution, tools, inventory, chosen }: Aimed): Aim {
	const { targets } = job;
	const backend = execution.execution_backend ?? 'local';
	const playbooks = tools.includes('ansible');
	if (backend !== 'ssh' && !playbooks && chosen === null) return { ssh: null };
	const known = targets === null ? null : contentOf(inventory);
	const names = known ? targetNames(known.groups_json, targets?.limit ?? null) : null;
	const ssh = backend === 'ssh' ? sshHosts(execution, known, names) : null;
	const all = names ?? ssh?.map(({ name }) => name) ?? null;
	const stray = chosen?.find((host) => !all?.includes(host));
	if (stray !== undefined) throw new NotATarget(`The host ${stray} is none of the job's targets.`);
	const entries = (chosen ?? all ?? []).length * tools.length;
	if (entries > RUN_STEPS_MAX)
		throw new NoTargets(
			`${String((chosen ?? all ?? []).length)} hosts with ${String(tools.length)} scripts each are more than the ${String(RUN_STEPS_MAX)} steps a run can have.`,
		);
	const hosts = chosen === null ? {} : { hosts: [...chosen] };
	if (!playbooks) return { ssh, ...(ssh && hosts) };
	if (!known || !targets) throw new NoTargets('The job has no targets: a playbook needs an inventory.');
	const { sha256, size, format } = known;
	return { ssh, ...hosts, inventory: { sha256, size, format, limit: targets.limit, key_ref: targets.key_ref } };
}

function contentOf(row: InventoryRow | undefined) {
	if (!row) throw new NoTargets("The inventory of the job's targets is not there any more.");
	const { sha256, size, format, groups_json } = row;
	if (sha256 === null || size === null || format === null)
		throw new NoTargets("Of the inventory of the job's targets only the place is known, not what is in it: upload it.");
	return { sha256, size, format, groups_json };
}

function sshHosts(
	{ execution_backend_config }: Execution,
	known: ReturnType<typeof contentOf> | null,
	names: readonly string[] | null,
): TargetHost[] {
	const { hosts } = SshConfig.pick({ hosts: true }).loose().parse(execution_backend_config);
	if (!known || !names) {
		if (hosts) return hosts.map((host) => ({ name: host, address: host }));
		throw new NoTargets('The job has no targets, and the configuration for ssh names no hosts.');
	}
	const fence = hosts && new Set(hosts.map((host) => host.toLowerCase()));
	return names.map((name) => {
		const host = targetHost(known.groups_json, name);
		if (fence && !fence.has(host.address.toLowerCase()))
			throw new NoTargets(`The host ${name} (${host.address}) is not among the hosts of the configuration for ssh.`);
		return host;
	});
}
