import { sectionNames, type SectionName, type Sections } from '#domain/postmortem.ts';

/** The sections as their editors hold them: text, empty for none. */
export type Draft = Record<SectionName, string>;

export const draftOf = (sections: Sections): Draft => ({
	summary: sections.summary,
	impact: sections.impact,
	root_cause: sections.root_cause ?? '',
	timeline: sections.timeline,
	action_items: sections.action_items,
});

/** What of a draft differs from what it began from, as the API takes it. */
export function patchOf(original: Draft, draft: Draft): Partial<Sections> {
	const changed = sectionNames.filter((name) => draft[name] !== original[name]);
	return Object.fromEntries(
		changed.map((name) => [name, name === 'root_cause' && draft[name].trim() === '' ? null : draft[name]]),
	);
}

export interface Merged {
	draft: Draft;
	/** Sections that both changed: mine is in the draft, theirs here, until the person decides. */
	conflicts: Partial<Draft>;
}

/** Somebody else saved `theirs` while I made `mine` of `original`: what only one of us changed is taken as it is. */
export function merge(original: Draft, mine: Draft, theirs: Draft): Merged {
	const draft = { ...mine };
	const conflicts: Partial<Draft> = {};
	for (const name of sectionNames) {
		if (theirs[name] === original[name] || theirs[name] === mine[name]) continue;
		if (mine[name] === original[name]) draft[name] = theirs[name];
		else conflicts[name] = theirs[name];
	}
	return { draft, conflicts };
}
