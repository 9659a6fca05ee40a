# curves.gp — held-out loss while training, one line per run, coloured by size.
set logscale x
curve(i, column_name) = column('curve') == i ? column(column_name) : NaN
plot for [i=1:curve_count] data using (curve(i, 'tokens')):(column('loss')) \
         with lines lw 1.5 lc rgb ramp[curve_colour[i]] title curve_title[i]
