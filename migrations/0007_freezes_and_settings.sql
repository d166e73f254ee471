CREATE TABLE `freezes` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`project_id` integer,
	`environment_id` integer,
	`title` text NOT NULL,
	`start` integer NOT NULL,
	`end` integer NOT NULL,
	`reason` text NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`environment_id`) REFERENCES `environments`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "freezes_order" CHECK("start" < "end"),
	CONSTRAINT "freezes_scope" CHECK(project_id is not null or environment_id is null)
);
--> statement-breakpoint
CREATE INDEX `freezes_window` ON `freezes` (`project_id`,`end`);--> statement-breakpoint
CREATE INDEX `freezes_environment` ON `freezes` (`environment_id`);--> statement-breakpoint
ALTER TABLE `server_statuses` ADD `span_min` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
CREATE INDEX `server_statuses_span` ON `server_statuses` (`span_min`,`snapshot_time`);--> statement-breakpoint
ALTER TABLE `environments` ADD `execution_backend` text;--> statement-breakpoint
ALTER TABLE `environments` ADD `execution_backend_config` text;--> statement-breakpoint
ALTER TABLE `runs` ADD `break_freeze` text;