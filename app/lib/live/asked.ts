import type { Change, Entity } from '#protocol/browser.ts';

/**
 * Where rows of each kind are asked for: the word of an address that stands for them, and those of answers that tell of them
 * too; with a slash, of one of them and not of their lists. A kind without its words would be one that no page follows: the type asks for them.
 */
const words: Record<Entity, readonly [string, ...string[]]> = {
	project: ['projects'],
	environment: ['environments'],
	job: ['jobs', 'calendar'],
	event: ['events', 'calendar'],
	run: ['runs'],
	script: ['scripts'],
	agent: ['agents'],
	freeze: ['freezes', 'calendar'],
	incident: ['incidents'],
	incident_entry: ['entries'],
	incident_link: ['links', 'changes', 'incidents'],
	postmortem: ['postmortem', 'incidents/'],
	action_item: ['actions'],
	repo: ['repos'],
	change: ['changes'],
	inventory: ['inventories'],
	terraform_plan: ['terraform-plans'],
	cluster: ['clusters'],
	metric_ref: ['metric-refs'],
	webhook: ['webhooks'],
	hub_secret: ['hub-secrets'],
	alert_source: ['alert-sources'],
	job_signature: ['signatures'],
};
const known = new Set(Object.values(words).flatMap((all) => all.map((word) => word.replace('/', ''))));

/** What a row is of for as long as it lives: an answer about another one does not tell of it. */
const keeps: Partial<Record<Entity, readonly string[]>> = {
	run: ['job_id', 'retry_of'],
	incident_entry: ['incident_id'],
	incident_link: ['incident_id'],
	postmortem: ['incident_id'],
};

interface Asked {
	/** The last of the known words. */
	word: string;
	/** Which one; null for a list. */
	id: number | null;
	/** Of which others: `project_id` of `/projects/1/jobs` and of `/runs?project_id=1`. */
	of: Record<string, number>;
}

/** What of the projects' rows an address of the API asks for; null for what no project's room tells of. */
function askedBy(url: URL): Asked | null {
	const path = url.pathname.split('/');
	const at = path.findLastIndex((word) => known.has(word));
	const word = path[at];
	if (path[1] !== 'api' || word === undefined) return null;
	const idAfter = (at: number) => (/^\d+$/.test(path[at + 1] ?? '') ? Number(path[at + 1]) : null);
	const id = idAfter(at);
	// Which projects there are is told by the hub's room.
	if (word === 'projects' && id === null) return null;
	const of: Record<string, number> = {};
	for (const [key, value] of url.searchParams) if (/^\d+$/.test(value)) of[key] = Number(value);
	for (const [i, parent] of path.slice(0, at + 1).entries()) {
		const parent_id = idAfter(i);
		if (parent_id !== null) of[`${parent.slice(0, -1)}_id`] = parent_id;
	}
	return { word, id, of };
}

/** Whether a room would tell when the answer to this changes. */
export const isTold = (url: URL): boolean => askedBy(url) !== null;

/** Whether this asks for that very row. */
export function isOf(url: URL, { entity, id }: Pick<Change, 'entity' | 'id'>): boolean {
	const asked = askedBy(url);
	return asked !== null && asked.word === words[entity][0] && asked.id === id;
}

/** Whether the answer to this may be another one, now that a row of the project changed. */
export function tellsOf(url: URL, { entity, id, row }: Omit<Change, 'seq'>, project_id: number): boolean {
	const asked = askedBy(url);
	if (asked === null) return false;
	const [own, ...others] = words[entity];
	const kin = others.includes(asked.word) || (asked.id !== null && others.includes(`${asked.word}/`));
	if (asked.word === own ? asked.id !== null && asked.id !== id : !kin) return false;
	const is = (key: string) => (key === 'project_id' ? project_id : row?.[key]);
	return ['project_id', ...(keeps[entity] ?? [])].every((key) => {
		const [wanted, it] = [asked.of[key], is(key)];
		return wanted === undefined || it === undefined || wanted === it;
	});
}
