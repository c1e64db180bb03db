-- Both wait for a lock of the whole trail, dropping for one of users too, and all who come later wait behind them. While
-- something reads for hours, as a backup does, that would be the two seconds of before in every try of the job; a tenth of
-- one nobody notices. Less would fail behind the statements of a busy server, which take some milliseconds.
alter function activity_drop_old(integer) set lock_timeout = '100ms';
alter function activity_make_partitions(integer) set lock_timeout = '100ms';
