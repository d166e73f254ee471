CREATE TABLE `incident_entries` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`incident_id` integer NOT NULL,
	`at` integer NOT NULL,
	`kind` text NOT NULL,
	`author_id` integer,
	`body` text NOT NULL,
	`ref` text,
	`pinned` integer DEFAULT false NOT NULL,
	`hidden` integer DEFAULT false NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`incident_id`) REFERENCES `incidents`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`author_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `incident_entries_at` ON `incident_entries` (`incident_id`,`at`,`id`);--> statement-breakpoint
CREATE TABLE `incident_links` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`incident_id` integer NOT NULL,
	`kind` text NOT NULL,
	`job_id` integer,
	`run_id` integer,
	`event_id` integer,
	`role` text,
	`created_by_id` integer,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`incident_id`) REFERENCES `incidents`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`job_id`) REFERENCES `jobs`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`run_id`) REFERENCES `runs`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`event_id`) REFERENCES `events`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`created_by_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `incident_links_incident` ON `incident_links` (`incident_id`,`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `incident_links_job` ON `incident_links` (`job_id`,`incident_id`) WHERE job_id is not null;--> statement-breakpoint
CREATE UNIQUE INDEX `incident_links_run` ON `incident_links` (`run_id`,`incident_id`) WHERE run_id is not null;--> statement-breakpoint
CREATE UNIQUE INDEX `incident_links_event` ON `incident_links` (`event_id`,`incident_id`) WHERE event_id is not null;--> statement-breakpoint
CREATE TABLE `incidents` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`project_id` integer NOT NULL,
	`environment_id` integer,
	`title` text NOT NULL,
	`description` text,
	`severity` text NOT NULL,
	`status` text DEFAULT 'open' NOT NULL,
	`started_at` integer,
	`detected_at` integer NOT NULL,
	`acknowledged_at` integer,
	`mitigated_at` integer,
	`resolved_at` integer,
	`closed_at` integer,
	`commander_id` integer,
	`scribe_id` integer,
	`comms_id` integer,
	`dedupe_key` text,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`environment_id`) REFERENCES `environments`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`commander_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`scribe_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`comms_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "incidents_order" CHECK(started_at is null or started_at <= detected_at)
);
--> statement-breakpoint
CREATE INDEX `incidents_project` ON `incidents` (`project_id`,`detected_at`,`id`);--> statement-breakpoint
CREATE INDEX `incidents_open` ON `incidents` (`project_id`,`status`) WHERE status in ('open', 'mitigated');--> statement-breakpoint
CREATE INDEX `incidents_environment` ON `incidents` (`environment_id`);--> statement-breakpoint
CREATE UNIQUE INDEX `incidents_dedupe` ON `incidents` (`project_id`,`dedupe_key`) WHERE dedupe_key is not null and status in ('open', 'mitigated');--> statement-breakpoint
CREATE TABLE `action_items` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`postmortem_id` integer NOT NULL,
	`title` text NOT NULL,
	`owner_id` integer,
	`due` integer,
	`priority` text DEFAULT 'normal' NOT NULL,
	`state` text DEFAULT 'open' NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`postmortem_id`) REFERENCES `postmortems`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`owner_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `action_items_postmortem` ON `action_items` (`postmortem_id`,`id`);--> statement-breakpoint
CREATE INDEX `action_items_owner` ON `action_items` (`owner_id`,`state`,`due`);--> statement-breakpoint
CREATE TABLE `postmortem_versions` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`postmortem_id` integer NOT NULL,
	`number` integer NOT NULL,
	`reason` text NOT NULL,
	`status` text NOT NULL,
	`summary` text NOT NULL,
	`impact` text NOT NULL,
	`root_cause` text,
	`timeline` text NOT NULL,
	`action_items` text NOT NULL,
	`created_by_id` integer NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`postmortem_id`) REFERENCES `postmortems`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`created_by_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `postmortem_versions_number` ON `postmortem_versions` (`postmortem_id`,`number`);--> statement-breakpoint
CREATE TABLE `postmortems` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`incident_id` integer NOT NULL,
	`summary` text NOT NULL,
	`impact` text NOT NULL,
	`root_cause` text,
	`timeline` text NOT NULL,
	`action_items` text NOT NULL,
	`status` text DEFAULT 'draft' NOT NULL,
	`published_at` integer,
	`created_by_id` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`incident_id`) REFERENCES `incidents`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`created_by_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `postmortems_incident` ON `postmortems` (`incident_id`);