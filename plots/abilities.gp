# abilities.gp — one column of panels per ability: above, how often the answer is exactly right, with its Wilson
# interval; below, the log-probability of the right answer on the same items, with one standard error; dashed in both,
# the best guess without the skill. What looks like a jump above is often a slope below.
unset key
unset label 2
set tics font 'sans-serif,12'
set logscale x
columns = task_count <= 4 ? task_count : (task_count + 1) / 2 <= 4 ? (task_count + 1) / 2 : 4
blocks = (task_count + columns - 1) / columns
left = 96.0 / width
gap = 16.0 / width
panel = (1.0 - left - 16.0 / width - gap * (columns - 1)) / columns
head = 68.0 / height
block = (1.0 - head - 30.0 / height) / blocks
of(i, what, column_name) = is(what) && column('series') == i ? column(column_name) : NaN
set multiplot
set label 1 at screen 0.018, screen 1.0 - 24.0 / height
set label 5 'dashed: the best guess without the skill' at screen 0.018, screen 1.0 - 48.0 / height left textcolor rgb muted
set label 3 x_axis at screen left + 0.5 * (1.0 - left), screen 16.0 / height center textcolor rgb muted noenhanced
unset xlabel
do for [i=1:task_count] {
    c = (i - 1) % columns
    b = (i - 1) / columns
    top = 1.0 - head - b * block
    middle = top - 0.52 * block
    set lmargin at screen left + c * (panel + gap)
    set rmargin at screen left + c * (panel + gap) + panel
    set tmargin at screen top - 30.0 / height
    set bmargin at screen middle + 5.0 / height
    set title task_title[i] noenhanced offset 0,-0.7
    if (c == 0) { set label 4 'exactly right' at graph 0, graph 0.5 rotate center offset -7.6,0 font 'sans-serif,13' textcolor rgb muted } else { unset label 4 }
    set yrange [-5:105]
    set ytics 50 format (c == 0 ? '%g %%' : '')
    eval hide_labels
    plot data using (of(i, 'exact_match', 'params')):(100 * column('chance')) with lines lw 1.2 dt (6,5) lc rgb muted, \
         data using (of(i, 'exact_match', 'params')):(100 * column('value')):(100 * column('low')):(100 * column('high')) with yerrorbars pt -1 lw 1.2 lc rgb ramp[8], \
         data using (of(i, 'exact_match', 'params')):(100 * column('value')) with linespoints lw 2 pt 7 ps 0.6 lc rgb ramp[8]
    unset label 1
    unset label 3
    unset label 5
    unset title
    set tmargin at screen middle - 5.0 / height
    set bmargin at screen top - block + 44.0 / height
    if (c == 0) { set label 4 "log-probability\n{/=11 nats per answer byte}" at graph 0, graph 0.5 rotate center offset -7.6,0 font 'sans-serif,13' textcolor rgb muted }
    set yrange [logprob_low:logprob_high]
    set ytics logprob_step format (c == 0 ? '%g' : '')
    eval show_labels
    plot data using (of(i, 'logprob', 'params')):(column('chance')) with lines lw 1.2 dt (6,5) lc rgb muted, \
         data using (of(i, 'logprob', 'params')):(column('value')):(column('low')):(column('high')) with yerrorbars pt -1 lw 1.4 lc rgb ramp[3], \
         data using (of(i, 'logprob', 'params')):(column('value')) with linespoints lw 1.6 pt 7 ps 0.45 lc rgb ramp[3]
}
unset multiplot
