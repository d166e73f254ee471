import type { DemoJob, ProjectName } from './jobs.ts';

export interface DemoEvent {
	project: ProjectName;
	title: string;
	event_type: 'meeting' | 'maintenance' | 'other';
	/** Days from the Monday of this week, and hours (UTC). All day without hours. */
	days: number[];
	hours?: { from: number; to: number };
	rrule?: string;
}

export const demoEvents: DemoEvent[] = [
	{
		project: 'App',
		title: 'Sprint Planning',
		event_type: 'meeting',
		days: [-21, -7, 21],
		hours: { from: 9, to: 10.5 },
	},
	{ project: 'App', title: 'Sprint Review', event_type: 'meeting', days: [-10, 4, 18], hours: { from: 13, to: 14 } },
	{
		project: 'App',
		title: 'Daily',
		event_type: 'meeting',
		days: [-7],
		hours: { from: 7.5, to: 7.75 },
		rrule: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;COUNT=60',
	},
	{
		project: 'Infra',
		title: 'Point exploitation',
		event_type: 'meeting',
		days: [-13, -6, 1, 8],
		hours: { from: 12, to: 12.75 },
	},
	{
		project: 'Infra',
		title: 'Data centre: work on the cooling',
		event_type: 'maintenance',
		days: [2],
		hours: { from: 4, to: 9 },
	},
	{
		project: 'Registry',
		title: 'Registry read-only',
		event_type: 'maintenance',
		days: [9],
		hours: { from: 17, to: 20 },
	},
	{ project: 'Monitoring', title: 'On call: ops', event_type: 'other', days: [-7, 0, 7] },
];

export interface DemoFreeze extends Pick<DemoJob, 'project' | 'environment'> {
	title: string;
	reason: string;
	/** Days from the Monday of this week: it begins and ends late in the evening. */
	from: number;
	to: number;
	rrule: string;
}

/** Where no job of the demo runs: whoever tries one out does not have to wait. */
export const demoFreezes: DemoFreeze[] = [
	{
		project: 'Registry',
		environment: 'prod',
		title: 'Weekend',
		reason: 'Nobody is there to look after it.',
		from: -3,
		to: -1,
		rrule: 'FREQ=WEEKLY;COUNT=12',
	},
];
