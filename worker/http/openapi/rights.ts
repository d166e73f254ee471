import { type Action, permissions, plannable, scopeOf } from '#domain/permissions.ts';

// Who may, in words: from the table of permissions, and what of it depends on more than role and access.

/** The operations that ask for the right of another verb than the one they are named by. */
const asked: Readonly<Record<string, Action>> = {
	'run.retry': 'run.start',
	'run.search_log': 'run.read',
	'event.calendar': 'event.list',
	'freeze.times': 'freeze.list',
	'incident_entry.list': 'incident.read',
	'incident_link.list': 'incident.read',
	'postmortem.list_versions': 'postmortem.read',
	'postmortem.export': 'postmortem.read',
	'action_item.list': 'postmortem.read',
};

/** The action an operation is: its own, or that of the verb it is a kind of (`run.read_log` is a `run.read`). */
export function actionOf(id: string): Action | null {
	const verb = id.replace(/(\..*?)_.*$/, '$1');
	const actions = Object.keys(permissions) as Action[];
	return asked[id] ?? actions.find((action) => action === id) ?? actions.find((action) => action === verb) ?? null;
}

const inProduction =
	'In an environment with `requires_approval` it waits until others have approved it, except for who may run in production alone (admin; ops with operate), ' +
	'and with `four_eyes` for everybody; a `prod` without `requires_approval` is for those two only. An environment’s `allowed_roles` bound it further.';
const everywhere = 'A freeze of every project (`project_id` null) is for admin.';
const ofTheHub = 'A webhook of the whole hub is for admin, and a person’s own for that person, without a token.';
const lent = 'Of what starts by itself with its owner’s rights it is for that owner and for admin.';

const types = (action: Action): string | null =>
	action.startsWith('job.') && permissions[action].dev === 'contribute' && plannable.dev
		? `A dev’s jobs are of type ${plannable.dev.join(' or ')}.`
		: null;

/** What an operation is, where its summary says too little, and what its rights depend on beside role and access. */
const more: Readonly<Record<string, string>> = {
	'job.create': lent,
	'job.update': lent,
	'run.start': inProduction,
	'run.retry': `A new run of the same job with the same parameters, hosts and environment, and what the job is now; \`retry_of\` names the run it repeats. ${inProduction}`,
	'run.cancel': 'Whoever asked for a run may cancel it while they may see its project.',
	'run.approve': 'Never for who asked for the run.',
	'run.reject': 'Never for who asked for the run.',
	'terraform_plan.apply': inProduction,
	'run.search_log':
		'The first lines that hold the text, letter for letter, upper and lower case alike, from a line on.',
	'event.calendar':
		'What is planned in a window of time, in the event format of FullCalendar, with what collides; of one project or of all that one may see.',
	'incident_entry.list': 'What happened, was said and was done, in the order it happened.',
	'incident_link.list': 'Each with the title and the status of its other end.',
	'postmortem.list_versions': 'One for each step, and between one person’s edits and the next’s; without the texts.',
	'postmortem.export': 'With the incident and its actions; as a file that holds everything it needs.',
	'action_item.list': 'Each with who does it, until when, and how far it is.',
	'incident.update': 'Its severity is for admin, ops with operate and projets with manage.',
	'postmortem.withdraw': 'From published: as for publishing.',
	'freeze.create': everywhere,
	'freeze.update': everywhere,
	'freeze.delete': everywhere,
	'token.list': 'The tokens of others are for admin.',
	'webhook.list': 'Those of the whole hub, and all there are, are for admin.',
	...Object.fromEntries(
		['read', 'create', 'update', 'delete', 'rotate', 'ping', 'list_deliveries', 'replay'].map((verb) => [
			`webhook.${verb}`,
			ofTheHub,
		]),
	),
};

/** Who may, and with which token. */
export function rightsOf(id: string, action: Action): string {
	const needs = Object.entries(permissions[action]).filter(([, need]) => need !== 'no');
	const who = needs.map(([role, need]) => {
		if (need === 'any') return role;
		return need === 'own' ? `${role} who owns or manages the project` : `${role} with ${need}`;
	});
	const everybody = needs.length === 4 && needs.every(([, need]) => need === 'any');
	const scope = scopeOf(action);
	const token =
		scope === null ? 'Not with a token.' : scope === 'any' ? 'Any token will do.' : `A token needs the scope ${scope}.`;
	const said = [`For ${everybody ? 'everybody' : who.join('; ')}.`, types(action), more[id], token];
	return said.filter((part) => part !== null && part !== undefined).join(' ');
}
