# abilities.gp — one column of panels per ability: above, how often the answer is exactly right, with bars of
# one standard error and the chance level dashed; below, the log-probability of the right answer on the same
# items. What looks like a jump above is often a slope below.
unset key
unset label 2
set logscale x
columns = task_count < 4 ? task_count : 4
blocks = (task_count + columns - 1) / columns
left = 62.0 / width
gap = 14.0 / width
panel = (1.0 - left - 14.0 / width - gap * (columns - 1)) / columns
block = (height - 60.0) / height / blocks
of(i, what, column_name) = is(what) && column('series') == i ? column(column_name) : NaN
set multiplot
unset xlabel
do for [i=1:task_count] {
    c = (i - 1) % columns
    b = (i - 1) / columns
    set lmargin at screen left + c * (panel + gap)
    set rmargin at screen left + c * (panel + gap) + panel
    top = 1.0 - 60.0 / height - b * block
    set tmargin at screen top - 22.0 / height
    set bmargin at screen top - 0.5 * block + 4.0 / height
    set title task_title[i] noenhanced offset 0,-0.6
    set yrange [-4:104]
    set ytics 25 format (c == 0 ? '%g %%' : '')
    eval hide_labels
    if (c == 0) { set label 3 'exactly right' at graph 0, graph 1.02 left offset -5.5,0.4 textcolor rgb muted } else { unset label 3 }
    plot data using (of(i, 'exact_match', 'params')):(100 * column('chance')) with lines lw 1 dt (6,5) lc rgb muted, \
         data using (of(i, 'exact_match', 'params')):(100 * column('value')):(100 * column('stderror')) with yerrorbars pt -1 lw 1.2 lc rgb ramp[8], \
         data using (of(i, 'exact_match', 'params')):(100 * column('value')) with linespoints lw 2 pt 7 ps 0.6 lc rgb ramp[8]
    unset label 1
    unset title
    set tmargin at screen top - 0.5 * block - 8.0 / height
    set bmargin at screen top - block + 40.0 / height
    set yrange [logprob_low:logprob_high]
    set ytics autofreq format (c == 0 ? '%g' : '')
    eval show_labels
    if (c == 0) { set label 3 'log-prob' at graph 0, graph 1.02 left offset -5.5,0.2 textcolor rgb muted } else { unset label 3 }
    plot data using (of(i, 'logprob', 'params')):(column('value')) with linespoints lw 2 pt 7 ps 0.6 lc rgb ramp[3]
}
unset multiplot
