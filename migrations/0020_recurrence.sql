ALTER TABLE `events` ADD `environment_id` integer REFERENCES environments(id);--> statement-breakpoint
ALTER TABLE `events` ADD `attendees` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `events` ADD `recurrence` text;--> statement-breakpoint
ALTER TABLE `events` ADD `recurs_until` integer;--> statement-breakpoint
CREATE INDEX `events_series` ON `events` (`project_id`,`start`,`recurs_until`) WHERE recurrence is not null;--> statement-breakpoint
CREATE INDEX `events_environment` ON `events` (`environment_id`);--> statement-breakpoint
ALTER TABLE `freezes` ADD `recurrence` text;--> statement-breakpoint
ALTER TABLE `freezes` ADD `recurs_until` integer;--> statement-breakpoint
ALTER TABLE `jobs` ADD `recurrence` text;--> statement-breakpoint
ALTER TABLE `jobs` ADD `next_start` integer;--> statement-breakpoint
CREATE INDEX `jobs_next_start` ON `jobs` (`project_id`,`next_start`) WHERE next_start is not null;--> statement-breakpoint
UPDATE `events` SET `environment_id` = (SELECT `environment_id` FROM `jobs` WHERE `jobs`.`id` = `events`.`job_id`) WHERE `job_id` IS NOT NULL;
