import type { IncidentLink } from '#domain/incident-link.ts';
import type { Incident } from '#domain/incident.ts';
import type { ActionItem, PostMortem } from '#domain/postmortem.ts';
import type { DemoJob, DemoUser, ProjectName } from './jobs.ts';

/** Minutes from the incident's detection. */
type Minute = number;

export interface DemoIncident extends Pick<Incident, 'title' | 'description' | 'severity' | 'status'> {
	project: ProjectName;
	environment: NonNullable<DemoJob['environment']>;
	/** When it was detected: minutes before now, or at a time (UTC) of an earlier day. It began so many minutes before that. */
	ago: Minute | { days: number; at: [hour: number, minute: number] };
	began: Minute;
	acknowledged: Minute;
	mitigated?: Minute;
	resolved?: Minute;
	closed?: Minute;
	roles: { commander: DemoUser; scribe?: DemoUser; comms?: DemoUser };
	notes: { at: Minute; by: DemoUser; body: string; pinned?: boolean }[];
	jobs: { title: string; role: NonNullable<IncidentLink['role']> }[];
	postmortem?: Pick<PostMortem, 'summary' | 'impact' | 'root_cause' | 'timeline' | 'action_items'> & {
		by: DemoUser;
		published: Minute;
		actions: (Pick<ActionItem, 'title' | 'priority' | 'state'> & { owner: DemoUser; days: number })[];
	};
}

const DAY: Minute = 24 * 60;

export const demoIncidents: DemoIncident[] = [
	{
		project: 'Infra',
		environment: 'prod',
		title: 'Nightly backup filled the disk of db-1',
		description: 'The primary database went read-only at 01:48: no space left on `/var`.',
		severity: 'critical',
		status: 'closed',
		ago: { days: 9, at: [1, 48] },
		began: 11,
		acknowledged: 4,
		mitigated: 23,
		resolved: 96,
		closed: 2 * DAY,
		roles: { commander: 'ops', scribe: 'dev', comms: 'projets' },
		notes: [
			{ at: 6, by: 'ops', body: '`df` says 100 % on `/var`. The archive of last night was never moved away.' },
			{ at: 14, by: 'ops', body: 'Moved two archives to the cold store by hand.', pinned: true },
			{ at: 23, by: 'ops', body: 'The database accepts writes again.', pinned: true },
			{ at: 31, by: 'projets', body: 'Customers told on the status page.' },
			{ at: 96, by: 'dev', body: 'No error for an hour; the disk check watches `/var` from now on.' },
		],
		jobs: [
			{ title: 'Nightly backup', role: 'introduced' },
			{ title: 'Disk check', role: 'mitigation' },
		],
		postmortem: {
			by: 'ops',
			published: 5 * DAY,
			summary:
				'The nightly backup wrote its archive to the disk of the database it saves. After three nights in which the **transfer to the cold store failed silently**, the disk was full and the primary went read-only.',
			impact:
				'- Orders could not be placed for **34 minutes** (01:37 to 02:11 UTC)\n- 212 carts were lost, no order was\n- Reports of the morning came an hour late',
			root_cause:
				'`backup.sh` ended with success when the transfer failed: its last command was the one that prints the summary.\n\n```sh\ntransfer "$archive" || true\nok "restorable, and cleaned up"\n```',
			timeline:
				'| At (UTC) | What happened |\n|---|---|\n| 01:37 | `/var` is full, writes fail |\n| 01:48 | The alert on failed writes wakes ops |\n| 01:52 | Acknowledged |\n| 02:11 | Two archives moved, writes work again |\n| 03:24 | The queue of builds is empty again |',
			action_items: 'What we do so that a backup can no longer hurt what it protects:',
			actions: [
				{
					title: 'Let the backup fail when its transfer fails',
					priority: 'critical',
					state: 'done',
					owner: 'dev',
					days: -3,
				},
				{
					title: 'Alert at 80 % of /var on every database host',
					priority: 'high',
					state: 'in_progress',
					owner: 'ops',
					days: 4,
				},
				{
					title: 'Write archives to a volume of their own',
					priority: 'normal',
					state: 'open',
					owner: 'ops',
					days: 18,
				},
			],
		},
	},
	{
		project: 'App',
		environment: 'staging',
		title: 'Payment answers 503 on staging',
		description: 'The smoke test fails at `POST /payment` since the latest release.',
		severity: 'high',
		status: 'open',
		ago: 47,
		began: 12,
		acknowledged: 5,
		roles: { commander: 'ops', scribe: 'dev' },
		notes: [
			{ at: 7, by: 'ops', body: 'Only `/payment`; the rest of the shop answers.' },
			{
				at: 16,
				by: 'dev',
				body: 'The release moved the payment client to the new gateway. Looking at its time-outs.',
				pinned: true,
			},
			{ at: 29, by: 'dev', body: 'The gateway refuses our staging key: it expired on Sunday.' },
		],
		jobs: [
			{ title: 'Release v2.4.0 – staging', role: 'introduced' },
			{ title: 'Smoke test of the shop', role: 'related' },
		],
	},
];
