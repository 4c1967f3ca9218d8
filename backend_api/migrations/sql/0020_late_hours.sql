-- Hours of which records came late, to be counted again; and no label without its answer.

-- Only ever inserted by inference, in the transaction of the records, so that nobody waits for
-- anybody; the watch takes them away as it counts their hours.
CREATE TABLE accuracy_late (
    model_name text NOT NULL,
    hour       timestamptz NOT NULL
);
CREATE INDEX accuracy_late_of ON accuracy_late (model_name, hour);
COMMENT ON TABLE accuracy_late IS
    'Hours whose answers reached the log later than the watch looks back; often the same one.';

-- Labels of answers that were not counted had been put in without them.
INSERT INTO accuracy_late
    SELECT DISTINCT model_name, hour FROM accuracy_hours WHERE labelled > predictions;
DELETE FROM accuracy_hours WHERE predictions = 0;
UPDATE accuracy_hours SET labelled = 0, correct = 0 WHERE labelled > predictions;
ALTER TABLE accuracy_hours
    ADD CONSTRAINT labels_are_of_answers CHECK (labelled <= predictions);
