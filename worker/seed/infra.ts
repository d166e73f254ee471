import type { BatchItem } from 'drizzle-orm/batch';
import type { ChangeType } from '#domain/repo.ts';
import { clusters, git_changes, git_repos, inventories, metric_refs, terraform_plans } from '#worker/db/client.ts';
import type { Ctx } from '#worker/services/context.ts';
import { readContent as readInventory } from '#worker/services/inventories/content.ts';
import { readContent as readPlan } from '#worker/services/terraform_plans/content.ts';
import type { ProjectName } from './jobs.ts';
import { inventory, plan } from './infra-documents.ts';

const HOUR = 3_600_000;

interface Repo {
	project: ProjectName;
	name: string;
	url: string;
	/** From the latest to the earliest, so many hours apart. */
	changes: { hash: string; type?: ChangeType; title: string; author: string; branch: string; job?: string }[];
}

const repos: Repo[] = [
	{
		project: 'App',
		name: 'shop',
		url: 'https://git.example.com/acme/shop.git',
		changes: [
			{
				hash: '318',
				type: 'merge_request',
				title: 'Basket: keep the discount when an item is removed',
				author: 'Dana Roy',
				branch: 'fix/discount',
				job: 'Release v2.4.0 – staging',
			},
			{
				hash: '9f31c07be2a4d86510f7c3e98ab24d61f05e7c38',
				title: 'Checkout answers before the mail is sent',
				author: 'Dana Roy',
				branch: 'main',
				job: 'Release v2.4.0 – staging',
			},
			{
				hash: '4be0d1f6673c92a8be5510d3fa7781c26409ed5a',
				title: 'Time limits on every call to the payment provider',
				author: 'Theo Marchal',
				branch: 'main',
				job: 'Release v2.4.0 – production',
			},
			{
				hash: 'c27a96e3410d5bf8826e1fa0937d4c5b8e60f112',
				title: 'Pictures of products in the size they are shown in',
				author: 'Ines Faure',
				branch: 'main',
			},
		],
	},
	{
		project: 'Infra',
		name: 'platform',
		url: 'ssh://git@git.example.com/acme/platform.git',
		changes: [
			{
				hash: 'e80f2b1d94c6a73e5f10d8b2967c403ae1d5f829',
				title: 'staging: larger web nodes, one more replica',
				author: 'Omar Petit',
				branch: 'staging',
			},
		],
	},
];

/** Repositories with what changed in them, an inventory, a plan, a cluster and dashboards. */
export async function infraStatements(
	ctx: Ctx,
	{
		projectId,
		jobId,
		environmentId,
	}: {
		projectId: (name: ProjectName) => number;
		/** Null for a title no job of the demo has. */
		jobId: (title: string) => number | null;
		environmentId: (project: ProjectName, type: 'dev' | 'staging' | 'prod') => number | null;
	},
): Promise<BatchItem<'sqlite'>[]> {
	const at = (hours: number) => {
		const then = new Date(ctx.now() - hours * HOUR).toISOString();
		return { created_at: then, updated_at: then };
	};
	const infra = projectId('Infra');
	const source = { source_type: 'uploaded', repo_id: null, revision: null } as const;
	return [
		...repos.flatMap(({ project, name, url, changes }, n) => {
			const [id, project_id] = [n + 1, projectId(project)];
			return [
				ctx.db.insert(git_repos).values({
					id,
					project_id,
					provider: 'gitea',
					name,
					url,
					default_branch: 'main',
					credentials_ref: `vault:kv2/kv/git/${name}#token`,
					...at(24 * 28),
				}),
				...changes.map(({ hash, type = 'commit', job, ...change }, back) =>
					ctx.db.insert(git_changes).values({
						project_id,
						repo_id: id,
						change_type: type,
						external_id: hash,
						job_id: job === undefined ? null : jobId(job),
						...change,
						committed_at: at(7 + back * 19).created_at,
						...at(7 + back * 19),
					}),
				),
			];
		}),
		ctx.db.insert(inventories).values({
			project_id: infra,
			...source,
			source_location: 'hosts.ini',
			summary: 'Every machine of staging and production',
			...(await readInventory(ctx, infra, inventory, { name: 'hosts.ini' })),
			...at(24 * 9),
		}),
		ctx.db.insert(terraform_plans).values({
			project_id: infra,
			...source,
			source_location: 'plan.json',
			summary: 'Staging: larger web nodes',
			...(await readPlan(ctx, infra, plan)),
			...at(5),
		}),
		ctx.db.insert(clusters).values({
			project_id: infra,
			name: 'staging-eu',
			kubeconfig_ref: 'vault:kv2/kv/k8s/staging-eu#kubeconfig',
			environment_id: environmentId('Infra', 'staging'),
			api_server_url: 'https://k8s.staging.example.com:6443',
			...at(24 * 20),
		}),
		...(
			[
				['App', 'Shop: latency and errors', 'https://grafana.example.com/d/shop/latency?from=now-6h'],
				['Infra', 'Nodes: CPU, memory, disk', 'https://grafana.example.com/d/nodes/overview'],
			] as const
		).map(([project, label, url]) =>
			ctx.db.insert(metric_refs).values({ project_id: projectId(project), label, url, ...at(24 * 20) }),
		),
	];
}
