CREATE TABLE `alert_sources` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`project_id` integer NOT NULL,
	`environment_id` integer,
	`name` text NOT NULL,
	`kind` text NOT NULL,
	`severity` text NOT NULL,
	`key_hash` text NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`environment_id`) REFERENCES `environments`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `alert_sources_key` ON `alert_sources` (`key_hash`);--> statement-breakpoint
CREATE UNIQUE INDEX `alert_sources_name` ON `alert_sources` (`project_id`,`name`);--> statement-breakpoint
CREATE INDEX `alert_sources_environment` ON `alert_sources` (`environment_id`);