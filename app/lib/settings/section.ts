import type { Environment } from '#domain/environment.ts';
import type { Freeze } from '#domain/freeze.ts';
import type { ProjectView } from '#domain/project.ts';

/** What each section of a project's settings is given; it takes what it needs. */
export interface SectionProps {
	project: ProjectView;
	environments: Environment[];
	/** Those of the project and those of all that are not over, by their start. */
	freezes: Freeze[];
	/** The names of the project's clusters. */
	clusters: string[];
}
