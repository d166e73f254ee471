import type { EnvironmentType } from '#domain/environment.ts';
import type { Job } from '#domain/job.ts';
import type { ParametersSchema } from '#domain/parameter.ts';
import type { ScriptName } from './scripts.ts';

export type ProjectName = 'App' | 'Infra' | 'Registry' | 'Monitoring';
export type DemoUser = 'admin' | 'projets' | 'dev' | 'ops';

export interface DemoJob {
	project: ProjectName;
	environment: Extract<EnvironmentType, 'dev' | 'staging' | 'prod'> | null;
	title: string;
	description: string;
	job_type: Job['job_type'];
	priority?: Job['priority'];
	owner: DemoUser;
	tags: string[];
	scripts: ScriptName[];
	/** What its form asks. */
	parameters?: ParametersSchema;
	/** When it is planned: days from the Monday of this week, and the hours (UTC) from and to. */
	plan?: { day: number; from: number; to: number };
	/** How the plan comes again: not for ever, so that years from now the calendar is free. */
	rrule?: string;
	/**
	 * Its past: a run every so many days at this hour, for the last three weeks, and with `ago` the latest so many hours before now;
	 * which of them, counted from the latest, failed.
	 */
	past?: { every: number; hour: number; by: DemoUser; ago?: number; failed?: number[]; canceled?: number[] };
}

const version: ParametersSchema = [
	{ name: 'VERSION', type: 'text', label: 'Version', required: true, default: 'v2.4.0', max_length: 20 },
];

export const demoJobs: DemoJob[] = [
	{
		project: 'App',
		environment: null,
		title: 'Sprint Planning',
		description: 'What the next two weeks are for. Bring the open questions.',
		job_type: 'meeting',
		owner: 'projets',
		tags: ['scrum'],
		scripts: [],
		plan: { day: 7, from: 9, to: 10.5 },
	},
	{
		project: 'App',
		environment: 'staging',
		title: 'Release v2.4.0 – staging',
		description:
			'Rolls the release over the three staging instances, with a check after each, then walks through the shop.',
		job_type: 'dev',
		priority: 'high',
		owner: 'dev',
		tags: ['release', 'v2.4.0'],
		scripts: ['release.sh', 'smoke.sh'],
		parameters: version,
		plan: { day: 3, from: 14, to: 15 },
		past: { every: 4, hour: 13.4, by: 'dev', ago: 2.6, failed: [2] },
	},
	{
		project: 'App',
		environment: 'prod',
		title: 'Release v2.4.0 – production',
		description: 'The same release, for our customers. Only after staging has been green for a day.',
		job_type: 'ops',
		priority: 'critical',
		owner: 'ops',
		tags: ['release', 'v2.4.0'],
		scripts: ['release.sh'],
		parameters: version,
		plan: { day: 8, from: 5, to: 6 },
		past: { every: 9, hour: 5.2, by: 'ops' },
	},
	{
		project: 'App',
		environment: 'staging',
		title: 'Smoke test of the shop',
		description: 'Walks through the shop as a customer would. The payment provider answers 503: it fails.',
		job_type: 'dev',
		owner: 'dev',
		tags: ['test'],
		scripts: ['smoke.sh'],
		parameters: [
			{
				name: 'PAYMENT',
				type: 'choice',
				label: 'What the payment provider answers',
				required: true,
				options: ['503', '200'],
				default: '503',
			},
		],
		past: { every: 3, hour: 8.1, by: 'dev', ago: 0.95, failed: [0, 3] },
	},
	{
		project: 'App',
		environment: 'dev',
		title: 'Dependency audit',
		description: 'What is installed, how large it is, and what may raise its rights.',
		job_type: 'dev',
		owner: 'dev',
		tags: ['security', 'weekly'],
		scripts: ['dependency-audit.sh'],
		past: { every: 7, hour: 10.2, by: 'dev' },
	},
	{
		project: 'App',
		environment: 'dev',
		title: 'Hello',
		description: 'The shortest job there is: says hello from the host it runs on.',
		job_type: 'dev',
		priority: 'low',
		owner: 'dev',
		tags: [],
		scripts: ['hello.sh'],
	},
	{
		project: 'Infra',
		environment: 'prod',
		title: 'Patch sécurité',
		description: 'Fenêtre de maintenance mensuelle : les hôtes sont vidés, mis à jour et remis un par un.',
		job_type: 'maintenance',
		priority: 'high',
		owner: 'ops',
		tags: ['security', 'maintenance'],
		scripts: ['patch.sh'],
		plan: { day: 5, from: 20, to: 23 },
		past: { every: 10, hour: 20.1, by: 'ops', failed: [1] },
	},
	{
		project: 'Infra',
		environment: 'prod',
		title: 'Nightly backup',
		description: 'Packs the databases, verifies the archive by reading it back.',
		job_type: 'ops',
		owner: 'ops',
		tags: ['backup', 'nightly'],
		scripts: ['backup.sh'],
		past: { every: 2, hour: 1.5, by: 'ops', canceled: [4] },
	},
	{
		project: 'Infra',
		environment: 'prod',
		title: 'Disk check',
		description: 'Fails when a file system is fuller than the limit.',
		job_type: 'ops',
		owner: 'ops',
		tags: ['capacity'],
		scripts: ['disk-check.sh'],
		parameters: [
			{
				name: 'LIMIT',
				type: 'number',
				label: 'Limit in per cent',
				required: true,
				integer: true,
				min: 1,
				max: 100,
				default: 95,
			},
		],
		past: { every: 4, hour: 6.3, by: 'ops', failed: [3] },
	},
	{
		project: 'Infra',
		environment: 'staging',
		title: 'Rotate TLS certificates',
		description: 'Looks how long they are good for before it rotates anything.',
		job_type: 'infra',
		owner: 'ops',
		tags: ['tls'],
		scripts: ['certificates.sh'],
		plan: { day: 9, from: 7, to: 8 },
		past: { every: 8, hour: 7.1, by: 'ops' },
	},
	{
		project: 'Registry',
		environment: 'staging',
		title: 'Registry garbage collection',
		description: 'Removes the layers no image refers to. The registry is read-only meanwhile.',
		job_type: 'maintenance',
		owner: 'ops',
		tags: ['maintenance'],
		scripts: ['registry-gc.sh'],
		plan: { day: -5, from: 18, to: 19 },
		rrule: 'FREQ=WEEKLY;COUNT=12',
		past: { every: 7, hour: 18.2, by: 'ops' },
	},
	{
		project: 'Registry',
		environment: 'dev',
		title: 'Scan images',
		description: 'What a scanner finds in an image, by severity.',
		job_type: 'dev',
		owner: 'dev',
		tags: ['security'],
		scripts: ['image-scan.sh'],
		parameters: [{ name: 'IMAGE', type: 'text', label: 'Image', required: true, default: 'registry.local/app:v2.4.0' }],
		past: { every: 5, hour: 11.6, by: 'dev' },
	},
	{
		project: 'Monitoring',
		environment: 'prod',
		title: 'Santé projet',
		description: 'Rapport hebdomadaire : charge, mémoire, disponibilité, les plus gros processus.',
		job_type: 'ops',
		owner: 'projets',
		tags: ['report', 'weekly'],
		scripts: ['health-report.sh'],
		plan: { day: 4, from: 8, to: 8.5 },
		past: { every: 7, hour: 8, by: 'ops' },
	},
	{
		project: 'Monitoring',
		environment: 'staging',
		title: 'Check alert rules',
		description: 'Every rule needs a team and a delay, or the night is short.',
		job_type: 'infra',
		owner: 'ops',
		tags: ['alerts'],
		scripts: ['alert-rules.sh'],
		past: { every: 6, hour: 15.7, by: 'ops' },
	},
	{
		project: 'Monitoring',
		environment: null,
		title: 'Review of the dashboards',
		description: 'Which panel did nobody look at this month?',
		job_type: 'meeting',
		owner: 'ops',
		tags: [],
		scripts: [],
		plan: { day: 10, from: 13, to: 14 },
	},
];
