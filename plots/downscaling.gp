# downscaling.gp — loss against bytes. The line joins fp32 models trained from scratch: the alternative to
# shrinking. An arrow leads from each parent to its int8 child; a child below the line was worth shrinking.
set logscale x
set rmargin at screen 0.97
set key inside right top
of(what, column_name) = is(what) ? column(column_name) : NaN
plot data using (of('fp32', 'bytes')):(column('loss')) with linespoints lw 2.2 pt 7 lc rgb teal title 'trained, fp32', \
     data using (of('int8', 'bytes')):(column('loss')) with points pt 13 ps 1.3 lc rgb rust title 'shrunk, int8', \
     data using (of('int8', 'parent_bytes')):(column('parent_loss')):(column('arrow_bytes') - column('parent_bytes')):(column('arrow_loss') - column('parent_loss')) \
         with vectors head filled size graph 0.018,18 lw 1.2 lc rgb muted notitle
